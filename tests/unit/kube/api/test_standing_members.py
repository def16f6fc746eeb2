"""Proves that what is said to stand in every object of a type are members that the types have."""

from __future__ import annotations

import pytest

from provisioner.kube.api.merge_rules import RULES
from provisioner.kube.api.standing_members import _STANDING, ALWAYS_LISTED, stands


def test_every_member_is_one_of_its_type() -> None:
    shapes = {(key.rpartition(".")[2], name): rule.shape for key, rules in RULES.items() for name, rule in rules.items()}
    assert all(shapes[type_name, member] == "struct" for type_name, members in _STANDING.items() for member in members)
    assert all(RULES[key][name].topology == "map" for key, name in ALWAYS_LISTED)


@pytest.mark.parametrize(
    ("type_key", "member", "answer"),
    [
        ("core_v1.Pod", "spec", True),
        ("batch_v1.CronJobSpec", "jobTemplate", True),
        ("core_v1.ReplicationControllerSpec", "template", False),
        ("core_v1.PodSpec", "securityContext", False),
    ],
)
def test_stands(type_key: str, member: str, answer: bool) -> None:
    assert stands(type_key, member) is answer

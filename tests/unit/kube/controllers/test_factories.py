"""Proves that controllers are chosen by upstream's names, old and new, and that a wrong one is told."""

from __future__ import annotations

import pytest

from provisioner.kube.client.flags import FlagError
from provisioner.kube.controllers.factories import ELSEWHERE, FACTORIES, chosen


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["*"], list(FACTORIES)),
        (["deployment-controller"], ["deployment-controller"]),
        (["deployment", "replicaset"], ["replicaset-controller", "deployment-controller"]),
        (["*", "-nodelifecycle"], [name for name in FACTORIES if name != "node-lifecycle-controller"]),
        (["-csrsigning"], [name for name in FACTORIES if name != "certificatesigningrequest-signing-controller"]),
        (["service-lb-controller"], []),
    ],
)
def test_chosen(names: list[str], expected: list[str]) -> None:
    assert chosen(names) == expected


def test_a_wrong_name_is_told_with_the_nearest() -> None:
    with pytest.raises(FlagError, match="did you mean deployment-controller"):
        chosen(["deploymnt-controller"])


def test_what_is_part_of_another_is_no_controller_of_its_own() -> None:
    assert not FACTORIES.keys() & ELSEWHERE

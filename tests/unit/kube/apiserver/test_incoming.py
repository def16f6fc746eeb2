"""Proves names that are made up, and that an owner is named once."""

from __future__ import annotations

import re

import pytest

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.incoming import drop_doubled_owners, give_name
from provisioner.kube.apiserver.requests import Target


@pytest.mark.parametrize(
    ("name", "generate_name", "made", "expected"),
    [
        ("a", "web-", False, "a"),
        (None, None, False, "None"),
        (None, "web-", True, "web-[a-z0-9]{5}"),
        (None, "x" * 80, True, "x{58}[a-z0-9]{5}"),
    ],
)
def test_names(name: str | None, generate_name: str | None, made: bool, expected: str) -> None:
    obj = core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=name, generate_name=generate_name))
    assert give_name(obj) is made and re.fullmatch(expected, str(obj.metadata.name))


def test_a_doubled_owner_is_told_of_once() -> None:
    owner = meta_v1.OwnerReference(uid="1", name="a")
    obj, call = core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(owner_references=[owner, owner])), Call(LOOPBACK, Target("create", "/"))
    for _ in range(2):
        drop_doubled_owners(call, obj)
    (told,) = call.warnings
    assert told.startswith(".metadata.ownerReferences contains duplicate entries; API server dedups") and told.endswith("observed: 1")

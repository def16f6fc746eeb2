"""Proves that the short way of an update that leaves owners as they are says what the long way says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provisioner.kube.api import managed_fields
from provisioner.kube.api.field_sets import Schema, from_fields_v1, is_in_fields_v1
from provisioner.kube.api.managed_fields import APPLY, UPDATE, Manager, track

SCHEMA = Schema("core_v1.ConfigMap")
ME, OTHER = Manager("me", UPDATE, "v1"), Manager("other", UPDATE, "v1")
NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
SHARED = {"manager": "applier", "operation": APPLY, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:a": {}}}}


def document(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "labels": {"app": "x"}}, "data": data}


CASES: dict[str, tuple[dict[str, Any], Manager, bool]] = {
    # what is written over a: 1, b: 2; by whom; whether owners stay as they are
    "nothing": (document(a="1", b="2"), ME, True),
    "nothing, by somebody new": (document(a="1", b="2"), OTHER, True),
    "a value of one's own": (document(a="5", b="2"), ME, True),
    "a value of somebody else's": (document(a="5", b="2"), OTHER, False),
    "a new member": (document(a="1", b="2", c="3"), ME, False),
    "one member less": (document(a="1"), ME, False),
    "all gone": (document(), ME, False),
}


@pytest.mark.parametrize(("new", "manager", "stays"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("shared", [False, True], ids=["one owner", "a shared field"])
def test_updates(new: dict[str, Any], manager: Manager, stays: bool, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    old = document(a="1", b="2")
    track(old, None, ME, SCHEMA, now=NOW)
    if shared:
        old["metadata"]["managedFields"].insert(0, SHARED)
    short, long = copy.deepcopy(new), copy.deepcopy(new)
    track(short, old, manager, SCHEMA, now=LATER)
    monkeypatch.setattr(managed_fields, "_as_before", lambda *_: False)
    track(long, old, manager, SCHEMA, now=LATER)
    assert short == long
    if not shared:
        assert (short["metadata"]["managedFields"] == old["metadata"]["managedFields"]) is stays


BROUGHT = {"manager": "next", "operation": APPLY, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:b": {}}}}


@pytest.mark.parametrize(
    ("brought", "manager", "owners"),
    [
        ([BROUGHT], ME, ["next"]),
        ([BROUGHT], ME._replace(subresource="status"), ["me"]),
        ([{**BROUGHT, "operation": "Steal"}], ME, ["me"]),
        ([{**BROUGHT, "fieldsV1": {"f:data": "x"}}], ME, ["me"]),
        ([], ME, ["me"]),
        ([{}], ME, []),
    ],
    ids=["moved", "through a part", "no such operation", "no set", "none", "reset"],
)
def test_who_writes_may_move_owners(brought: list[Any], manager: Manager, owners: list[str]) -> None:
    old = document(a="1", b="2")
    track(old, None, ME, SCHEMA, now=NOW)
    new = document(a="1", b="2")
    new["metadata"]["managedFields"] = brought
    track(new, old, manager, SCHEMA, now=LATER)
    assert [entry["manager"] for entry in new["metadata"].get("managedFields", ())] == owners


def test_a_path_is_in_a_set() -> None:
    fields = {"f:a": {}, "f:b": {".": {}, "f:c": {}}, "f:d": {'k:{"name":"x"}': {"f:e": {}}}}
    inside = from_fields_v1(fields)
    every = {path[:length] for path in inside for length in range(1, len(path) + 1)} | {("f:z",), ("f:a", "f:z"), ("f:b", "f:z")}
    assert {path for path in every if is_in_fields_v1(path, fields)} == set(inside)

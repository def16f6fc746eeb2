"""Proves which names a namespace's finalizers may have, and that its phase says whether it goes."""

from __future__ import annotations

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation import validate_status_update
from provisioner.kube.api.validation.namespaces import create, finalize


@pytest.mark.parametrize(
    ("finalizer", "said"),
    [
        ("kubernetes", []),
        ("example.com/x", []),
        ("orphan", []),
        ("x", ['spec.finalizers{}: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified']),
    ],
)
def test_finalizers(finalizer: str, said: list[str]) -> None:
    obj = msgspec.convert({"spec": {"finalizers": [finalizer]}}, core_v1.Namespace)
    for check, at in ((create, ""), (finalize, "[0]")):
        assert [f"{one.field}: {one.message}" for one in check(obj)] == [text.format(at) for text in said]


@pytest.mark.parametrize(
    ("going", "phase", "said"),
    [
        (False, "Active", []),
        (True, "Terminating", []),
        (False, "Terminating", ["Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"]),
        (True, "Active", ["Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty"]),
    ],
)
def test_phases(going: bool, phase: str, said: list[str]) -> None:
    metadata = {"name": "x", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {})}
    obj = msgspec.convert({"metadata": metadata, "status": {"phase": phase}}, core_v1.Namespace)
    assert [(one.field, one.message) for one in validate_status_update(obj, obj)] == [("status.Phase", text) for text in said]

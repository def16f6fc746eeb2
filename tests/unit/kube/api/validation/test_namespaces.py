"""Proves which names a namespace's finalizers may have."""

from __future__ import annotations

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation.namespaces import create


@pytest.mark.parametrize(
    ("finalizer", "said"),
    [
        ("kubernetes", []),
        ("example.com/x", []),
        ("x", ['spec.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified']),
    ],
)
def test_finalizers(finalizer: str, said: list[str]) -> None:
    found = create(msgspec.convert({"spec": {"finalizers": [finalizer]}}, core_v1.Namespace))
    assert [f"{one.field}: {one.message}" for one in found] == said

"""Proves that what a driver says of a device is checked in every version, where that version has it."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import resource_v1, resource_v1beta1, resource_v1beta2
from provisioner.kube.api.validation import devices

TWICE = {"attributes": {"a": {"string": "x", "bool": True}}}


@pytest.mark.parametrize(
    ("module", "device", "field"),
    [
        (resource_v1, TWICE, "spec.devices[0].attributes[a]"),
        (resource_v1beta2, TWICE, "spec.devices[0].attributes[a]"),
        (resource_v1beta1, {"basic": TWICE}, "spec.devices[0].basic.attributes[a]"),
        (resource_v1beta1, {}, None),
    ],
)
def test_versions(module: Any, device: dict[str, Any], field: str | None) -> None:
    pool = {"name": "p", "resourceSliceCount": 1}
    spec = {"driver": "d.example.com", "nodeName": "n", "pool": pool, "devices": [{"name": "d", **device}]}
    found = devices.create(codec.decode_dict(module.ResourceSlice, {"spec": spec}))
    assert [error.field for error in found] == ([field] if field else [])

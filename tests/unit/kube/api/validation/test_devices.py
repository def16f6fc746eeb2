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


def claim(results: list[dict[str, str]], said: list[dict[str, str]] | None = None) -> Any:
    document = {
        "spec": {"devices": {"requests": [{"name": "r"}, {"name": "s", "firstAvailable": [{"name": "a"}]}]}},
        "status": {"allocation": {"devices": {"results": results}}, "devices": said or []},
    }
    return codec.decode_dict(resource_v1.ResourceClaim, document)


ONE = {"driver": "d.x", "pool": "p", "device": "one"}


@pytest.mark.parametrize(
    ("request_name", "said", "fields"),
    [
        ("r", [ONE], []),
        ("s/a", [], []),
        ("s/b", [], ["status.allocation.devices.results[0].request"]),
        ("r", [{**ONE, "device": "two"}], ["status.devices[0]"]),
        ("r", [ONE, ONE], ["status.devices[1]"]),
    ],
)
def test_what_was_allocated(request_name: str, said: list[dict[str, str]], fields: list[str]) -> None:
    new, old = claim([{**ONE, "request": request_name}], said), claim([])
    old.status.allocation = None
    assert [error.field for error in devices.status(new, old)] == fields


@pytest.mark.parametrize(("name", "right"), [("example.com/gpu", True), ("gpu", False), ("a b", False), ("kubernetes.io/gpu", False)])
def test_extended_resources_have_a_domain(name: str, right: bool) -> None:
    found = devices.create(codec.decode_dict(resource_v1.DeviceClass, {"spec": {"extendedResourceName": name}}))
    assert (found == []) is right

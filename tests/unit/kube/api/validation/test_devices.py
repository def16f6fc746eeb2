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
        (resource_v1beta1, {"basic": TWICE}, "spec.devices[0].attributes[a]"),
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


CLAIM = "spec.devices"
OTHER = {"name": "s", "firstAvailable": [{"name": "a", "deviceClassName": "c", "allocationMode": "All"}]}
EXACT = {"deviceClassName": "c", "allocationMode": "ExactCount", "count": 1}
CLAIMS: list[tuple[dict[str, Any], list[str]]] = [
    ({"requests": [OTHER, {"name": "r", "exactly": EXACT}], "constraints": [{"requests": ["s/a", "r"], "matchAttribute": "d.io/a"}]}, []),
    ({"requests": [{"name": "R"}]}, [f'{CLAIM}.requests[0].name: Invalid value: "R"', f"{CLAIM}.requests[0]: Required value: exactly one of `exactly` or"]),
    ({"requests": [OTHER, {**OTHER, "exactly": EXACT}]}, [f'{CLAIM}.requests[1]: Invalid value: "null": exactly one of', f'{CLAIM}.requests[1]: Duplicate value: "s"']),
    ({"requests": [{"name": "r", "exactly": {**EXACT, "tolerations": [{"operator": "Exists", "value": "x", "effect": "No"}]}}]}, [f'{CLAIM}.requests[0].exactly.tolerations[0].value: Invalid value: "x": must be empty for operator `Exists`', f'{CLAIM}.requests[0].exactly.tolerations[0].effect: Unsupported value: "No"']),
    ({"requests": [OTHER], "constraints": [{"requests": ["s", "s", "t/u/v"]}]}, [f'{CLAIM}.constraints[0].requests[2]: Invalid value: "t/u/v": must be the name', f'{CLAIM}.constraints[0].requests[1]: Duplicate value: "s"', f"{CLAIM}.constraints[0]: Required value: exactly one of"]),
    ({"config": [{"opaque": {"driver": "d", "parameters": [1]}}, {}]}, [f'{CLAIM}.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object', f"{CLAIM}.config[1].opaque: Required value"]),
    ({"config": [{}] * 33}, [f"{CLAIM}.config: Too many: 33: must have at most 32 items"]),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "said"), CLAIMS)
def test_claims(spec: dict[str, Any], said: list[str]) -> None:
    found = devices.create(codec.decode_dict(resource_v1.ResourceClaim, {"spec": {"devices": spec}}))
    told = [f"{problem.field}: {problem.message}" for problem in found]
    assert len(told) == len(said) and all(map(str.startswith, told, said)), told


def test_a_flat_request_is_told_by_the_newest_paths() -> None:
    spec = {"devices": {"requests": [{"name": "r", "deviceClassName": "c", "allocationMode": "Some"}]}}
    (found,) = devices.create(codec.decode_dict(resource_v1beta1.ResourceClaim, {"spec": spec}))
    assert found.field == "spec.devices.requests[0].exactly.allocationMode"

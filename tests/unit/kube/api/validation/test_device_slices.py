"""Proves what is refused of slices: places, counters that are shared, taints, conditions of use."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import resource_v1
from provisioner.kube.api.validation.device_slices import published

COUNTERS = [{"name": "set", "counters": {"memory": {"value": "1Gi"}}}]


TAINT = {"key": "a", "effect": "None"}
ANY = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
RANGE = {"min": "1Gi", "max": "4Gi", "step": "1Gi"}
WHERE = "spec.devices[0].capacity[m].requestPolicy"


def shared(**policy: Any) -> dict[str, Any]:
    return {"value": "8Gi", "requestPolicy": {"default": "2Gi", **policy}}


def problems(**change: Any) -> list[str]:
    spec = {"driver": "d.example.com", "nodeName": "n", "pool": {"name": "p", "resourceSliceCount": 1}, **change}
    obj = codec.decode_dict(resource_v1.ResourceSlice, {"spec": {key: value for key, value in spec.items() if value is not None}})
    return [f"{found.field}: {found.message}" for found in published(obj.spec, "spec")]


def test_right_ones_are_right() -> None:
    taints = [{"key": "a", "value": "b", "effect": "NoSchedule"}]
    conditions = {"bindingConditions": ["example.com/ready"], "bindingFailureConditions": ["example.com/failed"], "bindsToNode": True}
    uses = [{"counterSet": "set", "counters": {"memory": {"value": "1"}}}]
    assert problems(devices=[{"name": "d", "taints": taints, "consumesCounters": uses, **conditions}]) == []
    assert problems(sharedCounters=COUNTERS) == []
    assert problems(devices=[{"name": "d", "allowMultipleAllocations": True, "capacity": {"m": shared(validRange=RANGE)}}]) == []
    assert problems(nodeName=None, perDeviceNodeSelection=True, devices=[{"name": "d", "nodeName": "n"}]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"devices": [{"name": "d"}], "sharedCounters": COUNTERS}, "spec: Invalid value"),
        ({"sharedCounters": COUNTERS * 2}, 'spec.sharedCounters[1]: Duplicate value: "set"'),
        ({"sharedCounters": [{"name": "a"}]}, "spec.sharedCounters[0].counters: Required value"),
        ({"perDeviceNodeSelection": True, "devices": [{"name": "d", "nodeName": "n"}]}, "spec: Invalid value"),
        ({"nodeName": None, "perDeviceNodeSelection": True, "devices": [{"name": "d"}]}, "spec.devices[0]: Required value: exactly one of"),
        (
            {"devices": [{"name": "d", "allNodes": True}]},
            'spec.devices[0]: Invalid value: "null": `nodeName`, `nodeSelector` and `allNodes` can',
        ),
        ({"nodeName": None, "sharedCounters": COUNTERS}, "spec: Required value: exactly one of"),
        ({"nodeName": None, "nodeSelector": {"nodeSelectorTerms": [ANY, ANY]}}, "spec.nodeSelector.nodeSelectorTerms: Invalid value: ["),
        ({"perDeviceNodeSelection": False}, "spec.perDeviceNodeSelection: Invalid value: false: must be either unset or set to true"),
        ({"pool": {"name": "A/b", "resourceSliceCount": 1}}, 'spec.pool.name: Invalid value: "A": a lowercase RFC 1123 subdomain'),
        ({"devices": [{"name": f"d{n}", "taints": [TAINT]} for n in range(65)]}, "spec.devices: Too many: 65: must have at most 64 items"),
        ({"devices": [{"name": "d"}, {"name": "d"}]}, 'spec.devices[1]: Duplicate value: "d"'),
        (
            {"devices": [{"name": "d", "capacity": {"m": shared(validRange=RANGE)}}]},
            "spec.devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true",
        ),
        ({"devices": [{"name": "d", "taints": [{"key": "a", "effect": "X"}]}]}, "spec.devices[0].taints[0].effect: Unsupported value"),
        ({"devices": [{"name": "d", "taints": [{"key": "a b", "effect": "None"}]}]}, "spec.devices[0].taints[0].key: Invalid value"),
        (
            {"devices": [{"name": "d", "bindingConditions": ["a"]}]},
            "spec.devices[0].bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions",
        ),
        ({"devices": [{"name": "d", "consumesCounters": [{"counterSet": "s"}]}]}, "spec.devices[0].consumesCounters[0].counters: Required"),
    ],
)
def test_what_is_refused(change: dict[str, Any], said: str) -> None:
    (found,) = problems(**change)
    assert found.startswith(said), found


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            {"validRange": RANGE, "validValues": ["1"]},
            [': Forbidden: exactly one policy can be specified, cannot specify "validValues" and'],
        ),
        ({"validRange": RANGE, "default": None}, [".default: Required value: required when validRange is defined"]),
        ({"validRange": {"max": "1"}}, [".validRange.min: Required value: required when validRange is defined"]),
        (
            {"validRange": {**RANGE, "max": "9Gi", "step": "3Gi"}},
            [
                '.validRange.max: Invalid value: "9Gi": max is larger than capacity value: 8Gi',
                '.validRange.step: Invalid value: "2Gi": value is not a multiple of a given step (3Gi) from (1Gi)',
                '.validRange.step: Invalid value: "9Gi": value is not a multiple of a given step (3Gi) from (1Gi)',
            ],
        ),
        ({"validRange": {**RANGE, "step": "0"}}, ['.validRange.step: Invalid value: "0": must be greater than zero']),
        (
            {"validValues": ["4Gi", "1Gi", "1Gi", "9Gi"]},
            [
                '.validValues[1]: Invalid value: "1Gi": values must be sorted in ascending order',
                '.validValues[3]: Invalid value: "9Gi": option is larger than capacity value: 8Gi',
                '.validValues[2]: Duplicate value: "1073741824"',
                '.validValues: Invalid value: "2Gi": default value is not valid according to the requestPolicy',
            ],
        ),
    ],
)
def test_what_may_be_asked_for_of_a_capacity(policy: dict[str, Any], said: list[str]) -> None:
    found = problems(devices=[{"name": "d", "allowMultipleAllocations": True, "capacity": {"m": shared(**policy)}}])
    assert len(found) == len(said) and all(map(str.startswith, found, [WHERE + one for one in said])), found

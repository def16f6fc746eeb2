"""Proves what is refused of slices: places, counters that are shared, taints, conditions of use."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import resource_v1
from provisioner.kube.api.validation.device_slices import published

COUNTERS = [{"name": "set", "counters": {"memory": {"value": "1Gi"}}}]


def problems(**change: Any) -> list[str]:
    spec = {"driver": "d.example.com", "nodeName": "n", "pool": {"name": "p", "resourceSliceCount": 1}, **change}
    obj = codec.decode_dict(resource_v1.ResourceSlice, {"spec": {key: value for key, value in spec.items() if value is not None}})
    return [f"{found.field}: {found.message}" for found in published(obj.spec, "spec")]


def test_right_ones_are_right() -> None:
    taints = [{"key": "a", "value": "b", "effect": "NoSchedule"}]
    conditions = {"bindingConditions": ["example.com/ready"], "bindingFailureConditions": ["example.com/failed"], "bindsToNode": True}
    uses = [{"counterSet": "set", "counters": {"memory": {"value": "1"}}}]
    assert problems(devices=[{"name": "d", "taints": taints, "consumesCounters": uses, **conditions}]) == []
    assert problems(nodeName=None, sharedCounters=COUNTERS) == []
    assert problems(nodeName=None, perDeviceNodeSelection=True, devices=[{"name": "d", "nodeName": "n"}]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"devices": [{"name": "d"}], "sharedCounters": COUNTERS}, "spec: Invalid value"),
        ({"nodeName": None, "sharedCounters": COUNTERS * 2}, 'spec.sharedCounters[1].name: Duplicate value: "set"'),
        ({"nodeName": None, "sharedCounters": [{"name": "a"}]}, "spec.sharedCounters[0].counters: Required value"),
        ({"perDeviceNodeSelection": True, "devices": [{"name": "d", "nodeName": "n"}]}, "spec: Invalid value"),
        ({"nodeName": None, "perDeviceNodeSelection": True, "devices": [{"name": "d"}]}, "spec.devices[0]: Required value: exactly one of"),
        ({"devices": [{"name": "d", "allNodes": True}]}, "spec.devices[0].allNodes: Invalid value: true: can only be set if"),
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

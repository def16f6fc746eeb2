"""Proves what nodes may say of themselves when they come, and what of it may change."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec, defaults
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation import validate_create, validate_status_update, validate_update

HOME = {"type": "InternalIP", "address": "10.0.0.1"}


def node(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None) -> core_v1.Node:
    obj: core_v1.Node = codec.decode_dict(core_v1.Node, {"metadata": {"name": "n"}, "spec": spec or {}, "status": status or {}})
    defaults.apply(obj)
    return obj


@pytest.mark.parametrize(
    ("spec", "status", "said"),
    [
        (
            {"podCIDRs": ["10.0.0.0/24", "10.0.0.0/24"]},
            {"capacity": {"pods": "1500m"}},
            [
                'status.capacity.pods: Invalid value: "1500m": must be an integer',
                'status.allocatable.pods: Invalid value: "1500m": must be an integer',
                'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.0.0/24"]: may specify no more than one CIDR for each IP family',
                'spec.podCIDRs[1]: Duplicate value: "10.0.0.0/24"',
            ],
        ),
        # the older name counts
        ({"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.0.0.0/24", "fd00::/64"]}, {}, []),
        ({"taints": [{"key": "a", "effect": ""}]}, {}, ["metadata.taints[0].effect: Required value"]),
        ({}, {"capacity": {"cpu": "-1"}, "allocatable": {}}, ['status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0']),
    ],
)  # fmt: skip
def test_new_nodes(spec: dict[str, Any], status: dict[str, Any], said: list[str]) -> None:
    assert [str(found) for found in validate_create(node(spec, status))] == said


def test_what_may_change_in_its_order() -> None:
    old = node({"podCIDR": "10.0.0.0/24", "providerID": "a://b"}, {"addresses": [HOME]})
    new = node(
        {"podCIDR": "10.0.0.5/24", "taints": [{"key": "a b", "effect": "NoSchedule"}]},
        {"addresses": [HOME, HOME], "allocatable": {"cpu": "-1"}},
    )
    fields = ["status.allocatable.cpu", "status.addresses[1]", "spec.podCIDRs", "spec.providerID", "metadata.taints[0].key"]
    for found in (validate_update(new, old), validate_status_update(new, old)):
        assert [problem.field for problem in found] == fields
        assert found[1].message == 'Duplicate value: {"address":"10.0.0.1","type":"InternalIP"}'
    # What is a range is asked of new nodes alone.
    assert validate_update(node({"podCIDR": "10.0.0.5/24"}), node()) == []

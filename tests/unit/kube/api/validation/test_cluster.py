"""Proves what nodes may say of themselves when they come and what of it may change, and what classes of priorities and runtimes there may be."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec, defaults
from provisioner.kube.api._generated import core_v1, node_v1, scheduling_v1
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
        {"podCIDR": "10.0.0.5/24", "externalID": "x", "taints": [{"key": "a b", "effect": "NoSchedule"}]},
        {"addresses": [HOME, HOME], "allocatable": {"cpu": "-1"}},
    )
    fields = [
        "status.allocatable.cpu",
        "status.addresses[1]",
        "spec.podCIDRs",
        "spec.providerID",
        "metadata.taints[0].key",
        "spec.externalID",
    ]
    for found in (validate_update(new, old), validate_status_update(new, old)):
        assert [problem.field for problem in found] == fields
        assert found[1].message == 'Duplicate value: {"address":"10.0.0.1","type":"InternalIP"}'
    # What is a range is asked of new nodes alone.
    assert validate_update(node({"podCIDR": "10.0.0.5/24"}), node()) == []


@pytest.mark.parametrize(
    ("name", "spec", "said"),
    [
        ("system-node-critical", {"value": 2_000_001_000}, ""),
        ("system-node-critical", {"value": 1}, "value of system-node-critical PriorityClass must be 2000001000"),
        (
            "system-cluster-critical",
            {"value": 2_000_000_000, "globalDefault": True},
            "globalDefault of system-cluster-critical PriorityClass must be false",
        ),
        ("system-x", {"value": 1}, "system-x is not a known system priority class"),
    ],
)
def test_priorities_of_the_system(name: str, spec: dict[str, Any], said: str) -> None:
    found = validate_create(codec.decode_dict(scheduling_v1.PriorityClass, {"metadata": {"name": name}, **spec}))
    assert [error.message.rpartition("error: ")[2] for error in found] == ([said] if said else [])


def test_a_runtimes_overhead_is_what_a_container_may_use() -> None:
    def runtime(**more: Any) -> node_v1.RuntimeClass:
        found: node_v1.RuntimeClass = codec.decode_dict(node_v1.RuntimeClass, {"metadata": {"name": "x"}, "handler": "runc", **more})
        return found

    wrong = runtime(overhead={"podFixed": {"storage": "1", "example.com/gpu": "500m"}})
    assert [str(error) for error in validate_create(wrong)] == [
        'overhead.limits[storage]: Invalid value: "storage": must be a standard resource for containers',
        'overhead.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
    ]
    # Upstream does not look at it again.
    assert validate_update(wrong, runtime()) == []

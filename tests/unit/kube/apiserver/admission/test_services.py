"""Proves which fields go with a service's former type, and which address families are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.admission.services import drop_left_over, family_problems

BALANCER = {
    "type": "LoadBalancer",
    "externalTrafficPolicy": "Cluster",
    "internalTrafficPolicy": "Cluster",
    "allocateLoadBalancerNodePorts": True,
    "loadBalancerClass": "x/y",
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({}, set()),
        ({"type": "NodePort"}, {"allocateLoadBalancerNodePorts", "loadBalancerClass"}),
        ({"type": "ClusterIP"}, {"externalTrafficPolicy", "allocateLoadBalancerNodePorts", "loadBalancerClass"}),
        ({"type": "ClusterIP", "externalIPs": ["192.0.2.1"]}, {"allocateLoadBalancerNodePorts", "loadBalancerClass"}),
        ({"type": "ClusterIP", "externalTrafficPolicy": "Local"}, {"allocateLoadBalancerNodePorts", "loadBalancerClass"}),
        ({"type": "ExternalName"}, set(BALANCER) - {"type"}),
    ],
)
def test_what_the_former_type_leaves(change: dict[str, Any], gone: set[str]) -> None:
    before, spec = (msgspec.convert(document, core_v1.ServiceSpec) for document in (BALANCER, {**BALANCER, **change}))
    drop_left_over(spec, before)
    assert set(BALANCER) - set(msgspec.to_builtins(spec)) == gone


@pytest.mark.parametrize(
    ("before", "now", "fields"),
    [
        ({}, {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4"]}, []),
        ({}, {"ipFamilyPolicy": "RequireDualStack"}, ["spec.ipFamilyPolicy"]),
        ({"ipFamilyPolicy": "RequireDualStack"}, {"ipFamilyPolicy": "RequireDualStack"}, []),
        ({}, {"ipFamilies": ["IPv4", "IPv6"]}, ["spec.ipFamilies[1]"]),
        ({"ipFamilies": ["IPv6"]}, {"ipFamilies": ["IPv6"]}, []),
    ],
)
def test_families_that_a_service_may_ask_for(before: dict[str, Any], now: dict[str, Any], fields: list[str]) -> None:
    old, new = (msgspec.convert(document, core_v1.ServiceSpec) for document in (before, now))
    assert [problem.field for problem in family_problems(new, old)] == fields

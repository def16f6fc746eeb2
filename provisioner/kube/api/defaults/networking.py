"""Defaults of network policies, ingresses and endpoint slices."""

from __future__ import annotations

from provisioner.kube.api._generated import discovery_v1, networking_v1
from provisioner.kube.api.defaults import default


def networkpolicy(obj: networking_v1.NetworkPolicy) -> None:
    if not obj.spec.policy_types:
        obj.spec.policy_types = ["Ingress", "Egress"] if obj.spec.egress else ["Ingress"]
    for rule in [*(obj.spec.ingress or ()), *(obj.spec.egress or ())]:
        for port in rule.ports or ():
            default(port, protocol="TCP")


def ingress(obj: networking_v1.Ingress) -> None:
    if obj.status.load_balancer is None:
        obj.status.load_balancer = networking_v1.IngressLoadBalancerStatus()


def endpointslice(obj: discovery_v1.EndpointSlice) -> None:
    for port in obj.ports or ():
        default(port, name="", protocol="TCP")

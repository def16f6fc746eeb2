"""Defaults of network policies and ingresses."""

from __future__ import annotations

from provisioner.kube.api._generated import meta_v1, networking_v1
from provisioner.kube.api.defaults import default, default_text


def networkpolicy(obj: networking_v1.NetworkPolicy) -> None:
    if obj.spec.pod_selector is None:
        obj.spec.pod_selector = meta_v1.LabelSelector()
    if not obj.spec.policy_types:
        obj.spec.policy_types = ["Ingress", "Egress"] if obj.spec.egress else ["Ingress"]
    for rule in [*(obj.spec.ingress or ()), *(obj.spec.egress or ())]:
        for port in rule.ports or ():
            default_text(port, protocol="TCP")


def ingress(obj: networking_v1.Ingress) -> None:
    if obj.status.load_balancer is None:
        obj.status.load_balancer = networking_v1.IngressLoadBalancerStatus()


def ingressclass(obj: networking_v1.IngressClass) -> None:
    if obj.spec.parameters is not None:
        default(obj.spec.parameters, scope="Cluster")

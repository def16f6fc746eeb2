"""Defaults of the small kinds: namespaces, secrets, nodes, endpoints, limits, autoscalers, priority classes, signing requests."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.defaults import default


def namespace(obj: core_v1.Namespace) -> None:
    if obj.metadata.name:
        obj.metadata.labels = {**(obj.metadata.labels or {}), "kubernetes.io/metadata.name": obj.metadata.name}
    default(obj.status, phase="Active")


def secret(obj: core_v1.Secret) -> None:
    default(obj, type="Opaque")


def node(obj: core_v1.Node) -> None:
    if obj.status.allocatable is None and obj.status.capacity:
        obj.status.allocatable = dict(obj.status.capacity)


def endpoints(obj: core_v1.Endpoints) -> None:
    for subset in obj.subsets or ():
        for port in subset.ports or ():
            default(port, protocol="TCP")


def limitrange(obj: core_v1.LimitRange) -> None:
    for item in obj.spec.limits or ():
        if item.type == "Container":
            if item.max:
                item.default = {**item.max, **(item.default or {})}
            if item.default:
                item.default_request = {**item.default, **(item.min or {}), **(item.default_request or {})}


def horizontalpodautoscaler(obj: Any) -> None:
    default(obj.spec, min_replicas=1)


def priorityclass(obj: Any) -> None:
    default(obj, preemption_policy="PreemptLowerPriority")


def certificatesigningrequest(obj: Any) -> None:
    if obj.spec.usages is None:
        obj.spec.usages = ["digital signature", "key encipherment"]

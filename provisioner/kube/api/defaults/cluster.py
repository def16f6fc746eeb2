"""Defaults of the small kinds: namespaces, secrets, nodes, limits, priority classes, signing requests."""

from __future__ import annotations

import base64
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.defaults import default, default_text


def namespace(obj: core_v1.Namespace) -> None:
    if obj.metadata.name:
        obj.metadata.labels = {**(obj.metadata.labels or {}), "kubernetes.io/metadata.name": obj.metadata.name}
    default_text(obj.status, phase="Active")


def secret(obj: core_v1.Secret) -> None:
    """`stringData` is for writing alone: it becomes data."""
    default_text(obj, type="Opaque")
    if obj.string_data:
        written = {key: base64.b64encode(value.encode()).decode() for key, value in obj.string_data.items()}
        obj.data = {**(obj.data or {}), **written}
    obj.string_data = None


def node(obj: core_v1.Node) -> None:
    # Two names for the same: the first of the list is the one, and where they differ, the older name's counts.
    if obj.spec.pod_cidr and (not obj.spec.pod_cidrs or obj.spec.pod_cidrs[0] != obj.spec.pod_cidr):
        obj.spec.pod_cidrs = [obj.spec.pod_cidr]
    elif obj.spec.pod_cidrs and not obj.spec.pod_cidr:
        obj.spec.pod_cidr = obj.spec.pod_cidrs[0]
    if obj.status.allocatable is None and obj.status.capacity:
        obj.status.allocatable = dict(obj.status.capacity)


def limitrange(obj: core_v1.LimitRange) -> None:
    for item in obj.spec.limits or ():
        if item.type == "Container":
            item.default = {**(item.max or {}), **(item.default or {})} or None
            item.default_request = {**(item.min or {}), **(item.default or {}), **(item.default_request or {})} or None


def priorityclass(obj: Any) -> None:
    default(obj, preemption_policy="PreemptLowerPriority")


def podcertificaterequest(obj: Any) -> None:
    # A day.
    default(obj.spec, max_expiration_seconds=86400)

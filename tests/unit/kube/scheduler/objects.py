"""Nodes and pods as the scheduler sees them, out of few words."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.scheduler.facts import PodFacts, facts_of
from provisioner.kube.scheduler.nodes import Nodes


def node(
    name: str, cpu: str = "4", memory: str = "8Gi", pods: str = "110", labels: dict[str, str] | None = None, **spec: Any
) -> core_v1.Node:
    status = {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}}
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
    return msgspec.convert({"metadata": metadata, "spec": spec, "status": status}, core_v1.Node)


def pod(
    name: str = "p", cpu: str = "", memory: str = "", labels: dict[str, str] | None = None, namespace: str = "ns", **spec: Any
) -> PodFacts:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    container: dict[str, Any] = {"name": "c", "image": "i", "resources": {"requests": requests}}
    if ports := spec.pop("ports", None):
        container["ports"] = ports
    metadata = {"name": name, "namespace": namespace, "uid": name, "labels": labels or {}}
    return facts_of(msgspec.convert({"metadata": metadata, "spec": {"containers": [container], **spec}}, core_v1.Pod))


def cluster(*found: core_v1.Node) -> Nodes:
    nodes = Nodes()
    for one in found:
        nodes.put(one)
    return nodes

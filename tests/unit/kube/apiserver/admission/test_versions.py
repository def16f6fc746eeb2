"""Proves that a policy for one version of a resource sees the others in its own, and that what it changes comes back."""

from __future__ import annotations

from provisioner.kube.apiserver.admission.versions import can_show, converted, document, taken_back, views
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.subresources.bodies import EVICTION

REGISTRY = Registry()


def autoscalers(version: str) -> Kind:
    kind = REGISTRY.find("autoscaling", version, "horizontalpodautoscalers")
    assert kind is not None
    return kind


def test_which_versions_are_tried() -> None:
    v1, v2 = autoscalers("v1"), autoscalers("v2")
    assert list(views(REGISTRY, v2, None)) == [v2, v1]
    assert list(views(REGISTRY, v2, "Exact")) == [v2]
    assert list(views(REGISTRY, EVICTION, "Equivalent")) == [EVICTION]


async def test_there_and_back() -> None:
    v1, v2 = autoscalers("v1"), autoscalers("v2")
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    obj = v2.decode({"metadata": {"name": "a"}, "spec": {"maxReplicas": 3, "scaleTargetRef": target, "metrics": metrics}})
    assert can_show(v2, v1)
    shown = document(v2, obj, v1)
    assert shown == await converted(v2, obj, v1)
    assert shown["apiVersion"] == "autoscaling/v1" and shown["spec"]["targetCPUUtilizationPercentage"] == 50
    shown["spec"]["maxReplicas"] = 4
    back = await taken_back(v2, shown, v1)
    assert back.spec.max_replicas == 4 and v2.to_dict(back)["spec"]["metrics"] == metrics

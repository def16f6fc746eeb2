"""Proves upstream's order, paths and words of what is refused of autoscalers, and of what is written into their status and budgets'."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import autoscaling_v2, policy_v1
from provisioner.kube.api.validation import scaling

POD = {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "1"}}
CPU = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
M, UP = "spec.metrics[0]", "spec.behavior.scaleUp"
SUPPORTED = 'supported values: "ContainerResource", "External", "Object", "Pods", "Resource"'
AUTOSCALERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"metrics": [{"type": "Pods", "pods": POD}]}, []),
    ({"metrics": [{"type": "", "pods": POD}]}, [f"{M}.type: Required value: must specify a metric source type", f'{M}.type: Unsupported value: "": {SUPPORTED}']),
    ({"metrics": [{"type": "Resource", "resource": CPU, "pods": {**POD, "metric": {"name": "a/b"}}}]}, [f"{M}.pods.metric.name: Invalid value: \"a/b\": may not contain '/'", f"{M}.pods: Forbidden: must populate the given metric source only"]),
    ({"metrics": [{"type": "Pods", "pods": {**POD, "target": {"averageValue": "0"}}}]}, [f"{M}.pods.target.type: Required value: must specify a metric target type", f'{M}.pods.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue', f"{M}.pods.target.averageValue: Invalid value: 0: must be positive"]),
    ({"metrics": [{"type": "External", "external": {**POD, "target": {"type": "Value"}}}]}, [f"{M}.external.target.averageValue: Required value: must set either a target value for metric or a per-pod target"]),
    ({"metrics": [{"type": "Object", "object": {**POD, "describedObject": {"kind": "Service", "name": "s"}, "target": {"type": "Value"}}}]}, [f"{M}.object.target.averageValue: Required value: must set either a target value or averageValue"]),
    ({"metrics": [{"type": "ContainerResource", "containerResource": {**CPU, "container": "A"}}]}, [f'{M}.containerResource.container: Invalid value: "A": a lowercase RFC 1123 label']),
    ({"behavior": {"scaleUp": {"stabilizationWindowSeconds": 3601, "policies": [{"type": "X", "value": 0, "periodSeconds": 1801}]}}}, [f"{UP}.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600", f'{UP}.policies[0].type: Unsupported value: "X": supported values: "Percent", "Pods"', f"{UP}.policies[0].value: Invalid value: 0: must be greater than zero", f"{UP}.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800"]),
    ({"behavior": {"scaleUp": {"stabilizationWindowSeconds": -1}}}, [f"{UP}.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero", f"{UP}.policies: Required value: must specify at least one Policy"]),
    ({"scaleTargetRef": {"kind": "a/b"}}, ["spec.scaleTargetRef.kind: Invalid value: \"a/b\": may not contain '/'", "spec.scaleTargetRef.name: Required value"]),
]  # fmt: skip


def told(found: list[Any]) -> list[str]:
    return [f"{problem.field}: {problem.message}" for problem in found]


@pytest.mark.parametrize(("spec", "expected"), AUTOSCALERS)
def test_autoscalers(spec: dict[str, Any], expected: list[str]) -> None:
    document = {"spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "web"}, **spec}}
    found = told(scaling.create(codec.decode_dict(autoscaling_v2.HorizontalPodAutoscaler, document)))
    assert len(found) == len(expected) and all(map(str.startswith, found, expected)), found


CONDITION = {"type": "A", "status": "True", "reason": "Why", "lastTransitionTime": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (autoscaling_v2.HorizontalPodAutoscaler, {"desiredReplicas": -1}, ["status.desiredReplicas: Invalid value: -1: must be greater"]),
        (policy_v1.PodDisruptionBudget, {"conditions": [CONDITION], "expectedPods": -1}, ["status.expectedPods: Invalid value: -1"]),
        (
            policy_v1.PodDisruptionBudget,
            {"conditions": [CONDITION, {**CONDITION, "status": "Yes", "reason": "_"}, {}]},
            [
                'status.conditions[1].type: Duplicate value: "A"',
                'status.conditions[1].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown"',
                'status.conditions[1].reason: Invalid value: "_": a condition reason must start with alphabetic character',
                'status.conditions[2].type: Invalid value: "": name part must be non-empty',
                'status.conditions[2].type: Invalid value: "": name part must consist of',
                'status.conditions[2].status: Unsupported value: ""',
                "status.conditions[2].lastTransitionTime: Required value: must be set",
                "status.conditions[2].reason: Required value: must be set",
            ],
        ),
    ],
)
def test_status(kind: Any, status: dict[str, Any], expected: list[str]) -> None:
    made = codec.decode_dict(kind, {"status": status})
    found = told(scaling.status(made, made))
    assert len(found) == len(expected) and all(map(str.startswith, found, expected)), found

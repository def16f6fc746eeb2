"""Proves that autoscaling/v1 shows what it can, and that who writes back what v1 showed loses nothing of v2."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.kube.apiserver.autoscaler_versions import from_v2, to_v2

CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70, "type": "Utilization"}}}
SELECTOR = {"matchLabels": {"a": "b"}}
METRICS: list[dict[str, Any]] = [
    {"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "1Gi", "type": "AverageValue"}}},
    {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c", "target": {"averageUtilization": 5, "type": "Utilization"}}},
    {"type": "Pods", "pods": {"metric": {"name": "m", "selector": SELECTOR}, "target": {"averageValue": "1", "type": "AverageValue"}}},
    {"type": "Object", "object": {"describedObject": {"kind": "K", "name": "n"}, "metric": {"name": "m"}, "target": {"value": "3", "type": "Value"}}},
    {"type": "External", "external": {"metric": {"name": "m", "selector": SELECTOR}, "target": {"value": "3", "type": "Value"}}},
]  # fmt: skip


def test_the_one_metric_of_v1_there_and_back() -> None:
    given = {
        "metadata": {},
        "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 70},
        "status": {"currentCPUUtilizationPercentage": 5},
    }
    stored = to_v2(given)
    assert stored["spec"]["metrics"] == [CPU]
    assert stored["status"]["currentMetrics"][0]["resource"]["current"] == {"averageUtilization": 5}
    assert from_v2(stored) == given


@pytest.mark.parametrize("metric", METRICS, ids=[m["type"] for m in METRICS])
def test_all_other_metrics_survive_v1(metric: dict[str, Any]) -> None:
    current = json.loads(json.dumps(metric).replace('"target"', '"current"'))
    del next(part for key, part in current.items() if key != "type")["current"]["type"]
    stored = {
        "metadata": {"name": "h", "annotations": {"mine": "x"}},
        "spec": {"maxReplicas": 3, "metrics": [metric, CPU], "behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}}},
        "status": {"currentMetrics": [current], "conditions": [{"type": "AbleToScale", "status": "True"}]},
    }
    shown = from_v2(stored)
    assert shown["spec"] == {"maxReplicas": 3, "targetCPUUtilizationPercentage": 70} and shown["status"] == {}
    assert sorted(shown["metadata"]["annotations"]) == [
        *(f"autoscaling.alpha.kubernetes.io/{name}" for name in ("behavior", "conditions", "current-metrics", "metrics")),
        "mine",
    ]
    assert to_v2(shown) == stored


def test_what_v1_calls_the_numbers() -> None:
    shown = from_v2({"metadata": {}, "spec": {"metrics": METRICS}})
    told = json.loads(shown["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"])
    assert told[0] == {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}}
    assert told[2] == {"type": "Pods", "pods": {"metricName": "m", "selector": SELECTOR, "targetAverageValue": "1"}}
    assert told[3] == {"type": "Object", "object": {"target": {"kind": "K", "name": "n"}, "metricName": "m", "targetValue": "3"}}
    assert told[4] == {"type": "External", "external": {"metricName": "m", "metricSelector": SELECTOR, "targetValue": "3"}}


@pytest.mark.parametrize("text", ["{", "5", "[5]"])
def test_an_annotation_that_cannot_be_read_stays(text: str) -> None:
    given = {"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/metrics": text}}, "spec": {"maxReplicas": 1}}
    assert to_v2(given) == given

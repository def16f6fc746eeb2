"""Proves that the versions of one stored object say the same."""

from __future__ import annotations

from provisioner.kube.apiserver.conversions import autoscaler_from_v2, autoscaler_to_v2, event_from_core, event_to_core


def test_events_there_and_back() -> None:
    event = {
        "metadata": {"name": "e"},
        "note": "n",
        "regarding": {"kind": "Pod"},
        "reportingController": "c",
        "reason": "r",
        "deprecatedCount": 2,
    }
    stored = event_to_core(event)
    assert stored == {
        "metadata": {"name": "e"},
        "message": "n",
        "involvedObject": {"kind": "Pod"},
        "reportingComponent": "c",
        "reason": "r",
        "count": 2,
    }
    assert event_from_core(stored) == event


def test_autoscalers_there_and_back() -> None:
    given = {"spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 70}, "status": {"currentCPUUtilizationPercentage": 5}}
    stored = autoscaler_to_v2(given)
    assert stored["spec"]["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
    ]
    assert stored["status"]["currentMetrics"][0]["resource"]["current"] == {"averageUtilization": 5}
    assert autoscaler_from_v2(stored) == given


def test_other_metrics_are_not_shown_as_cpu() -> None:
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"averageUtilization": 5}}}
    assert autoscaler_from_v2({"spec": {"maxReplicas": 1, "metrics": [memory], "behavior": {}}}) == {"spec": {"maxReplicas": 1}}

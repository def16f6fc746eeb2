"""Proves that the versions of one stored object say the same."""

from __future__ import annotations

from provisioner.kube.apiserver.conversions import CONVERSIONS, autoscaler_from_v2, autoscaler_to_v2, event_from_core, event_to_core


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


def test_older_claims_and_slices_there_and_back() -> None:
    claim = {"kind": "ResourceClaim", "spec": {"devices": {"requests": [{"name": "r", "deviceClassName": "c", "count": 2}]}}}
    to_stored, back = CONVERSIONS[("resource.k8s.io", "resourceclaims", "v1beta1")]
    assert to_stored(claim)["spec"]["devices"]["requests"] == [{"name": "r", "exactly": {"deviceClassName": "c", "count": 2}}]
    assert back(to_stored(claim)) == claim
    alternatives = {"spec": {"devices": {"requests": [{"name": "r", "firstAvailable": [{"name": "a", "deviceClassName": "c"}]}]}}}
    assert back(to_stored(alternatives)) == to_stored(alternatives) == alternatives
    template = {"spec": {"spec": claim["spec"]}}
    to_stored, back = CONVERSIONS[("resource.k8s.io", "resourceclaimtemplates", "v1beta1")]
    assert back(to_stored(template)) == template != to_stored(template)
    piece = {"spec": {"driver": "d", "devices": [{"name": "a", "basic": {"allNodes": True}}, {"name": "b", "basic": {}}]}}
    to_stored, back = CONVERSIONS[("resource.k8s.io", "resourceslices", "v1beta1")]
    assert to_stored(piece)["spec"]["devices"] == [{"name": "a", "allNodes": True}, {"name": "b"}]
    assert back(to_stored(piece)) == piece
    assert to_stored({"spec": {"driver": "d"}}) == {"spec": {"driver": "d"}}

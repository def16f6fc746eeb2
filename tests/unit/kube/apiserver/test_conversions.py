"""Proves that the versions of one stored object say the same."""

from __future__ import annotations

from provisioner.kube.apiserver.conversions import CONVERSIONS, event_from_core, event_to_core


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

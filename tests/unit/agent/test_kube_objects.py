"""Proves what apply changes and takes away, what counts as a difference, what ready means, and names by content."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.agent import kube_objects


def applied(spec: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": "x"}, "spec": spec}


def test_apply_removes_what_was_applied_before() -> None:
    there = kube_objects.annotated(applied({"a": 1, "gone": 2, "containers": [{"name": "one"}, {"name": "two"}]}))
    patch = kube_objects.apply_patch(there, applied({"a": 1, "containers": [{"name": "two"}]}), strategic=True)
    assert patch["spec"] == {"a": 1, "gone": None, "containers": [{"name": "two"}, {"name": "one", "$patch": "delete"}]}
    merged = kube_objects.apply_patch(there, applied({"a": 1, "containers": [{"name": "two"}]}), strategic=False)
    assert merged["spec"] == {"a": 1, "gone": None, "containers": [{"name": "two"}]}
    assert json.loads(patch["metadata"]["annotations"][kube_objects.LAST_APPLIED])["spec"]["containers"] == [{"name": "two"}]


def test_differences_leave_out_what_the_server_keeps_up() -> None:
    before = {"metadata": {"name": "x", "resourceVersion": "1"}, "data": {"a": "1", "b": "2"}, "status": {"x": 1}}
    after = {"metadata": {"name": "x", "resourceVersion": "2"}, "data": {"a": "1", "b": "3"}}
    left, right = kube_objects.significant(before), kube_objects.significant(after)
    assert kube_objects.difference(left, right) == ({"data": {"b": "2"}}, {"data": {"b": "3"}})
    assert kube_objects.difference(left, left) is None


def test_hidden_fields() -> None:
    found = {"metadata": {"managedFields": [1], "annotations": {"a.b/c": "x", "d": "y"}}, "spec": {"containers": [{"env": 1, "name": "n"}]}}
    hidden = kube_objects.without(found, ["metadata.managedFields", "metadata.annotations[a.b/c]", "spec.containers[0].env", "no.such"])
    assert hidden == {"metadata": {"annotations": {"d": "y"}}, "spec": {"containers": [{"name": "n"}]}}


READY: list[tuple[dict[str, Any], dict[str, Any] | None, bool]] = [
    ({"kind": "ConfigMap", "metadata": {}}, None, True),
    ({"kind": "Pod", "metadata": {}, "status": {"containerStatuses": [{"ready": True}]}}, None, True),
    ({"kind": "Pod", "metadata": {}, "status": {"phase": "Pending"}}, None, False),
    ({"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": {"observedGeneration": 1}}, None, False),
    ({"kind": "Deployment", "metadata": {}, "spec": {"replicas": 1}, "status": {"availableReplicas": 1, "replicas": 1, "updatedReplicas": 1}}, None, True),
    ({"kind": "Job", "metadata": {}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}, {"type": "Complete"}, True),
    ({"kind": "Job", "metadata": {}, "status": {}}, {"type": "Complete"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("found", "condition", "ready"), READY)
def test_ready(found: dict[str, Any], condition: dict[str, Any] | None, ready: bool) -> None:
    assert kube_objects.is_ready(found, condition) is ready


def test_a_name_by_content() -> None:
    wanted = {"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}
    first = kube_objects.content_hash(wanted)
    assert (len(first), first) == (10, kube_objects.content_hash({**wanted, "metadata": {"name": "x", "labels": {"l": "1"}}}))
    assert first != kube_objects.content_hash({**wanted, "data": {"a": "2"}})

"""Proves what each object takes of a quota, which pods a scope counts, and where other kinds are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.controllers.quotas import claim_usage, counted_path, in_scopes, pod_usage, service_usage, shown, total
from tests.unit.kube.controllers.objects import made, pod


def container(cpu: str | None = None, memory: str | None = None, limit: str | None = None, **more: Any) -> dict[str, Any]:
    requests = {name: value for name, value in (("cpu", cpu), ("memory", memory)) if value}
    resources: dict[str, Any] = {"requests": requests} if requests else {}
    if limit:
        resources["limits"] = {"cpu": limit}
    return {"name": "c", "resources": resources, **more}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [container()]}, {}),
        ({"containers": [container("100m", "1Gi"), container("200m")]}, {"cpu": Fraction(3, 10), "requests.memory": Fraction(2**30)}),
        ({"containers": [container("100m")], "initContainers": [container("1")]}, {"requests.cpu": Fraction(1)}),
        (
            {"containers": [container("1")], "initContainers": [container("500m", restartPolicy="Always"), container("700m")]},
            {"cpu": Fraction(3, 2)},
        ),
        (
            {"containers": [container("100m")], "initContainers": [container("500m", restartPolicy="Always"), container("700m")]},
            {"cpu": Fraction(6, 5)},
        ),
        ({"containers": [container("100m")], "overhead": {"cpu": "50m", "memory": "1Mi"}}, {"cpu": Fraction(15, 100)}),
        ({"containers": [container("1", limit="2")]}, {"cpu": Fraction(1), "limits.cpu": Fraction(2)}),
    ],
    ids=["nothing", "sum", "greedy-init", "sidecar", "init-beside-sidecar", "overhead", "limits"],
)
def test_what_a_pod_takes(spec: dict[str, Any], expected: dict[str, Fraction]) -> None:
    taken = pod_usage(pod(spec=spec))
    assert taken["pods"] == taken["count/pods"] == 1
    assert {name: taken[name] for name in expected} == expected
    assert ("cpu" in taken) is ("requests.cpu" in taken)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_an_ended_pod_takes_only_its_place_as_an_object(phase: str) -> None:
    assert pod_usage(pod(phase=phase, spec={"containers": [container("1")]})) == {"count/pods": 1}


@pytest.mark.parametrize(("after_s", "counts"), [(30, True), (61, False)])
def test_a_pod_whose_node_is_lost_is_charged_until_it_is_overdue(after_s: int, counts: bool) -> None:
    """Its deletionTimestamp is after one grace period; upstream waits for another."""
    going = pod(spec={"containers": [container("1")]}, deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=60)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=after_s)
    assert ("requests.cpu" in pod_usage(going, now)) is counts and pod_usage(going, now)["count/pods"] == 1


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("ClusterIP", {}),
        ("NodePort", {"services.nodeports": 2}),
        ("LoadBalancer", {"services.nodeports": 2, "services.loadbalancers": 1}),
    ],
)
def test_what_a_service_takes(type_: str, expected: dict[str, int]) -> None:
    service = made(core_v1.Service, {"metadata": {"name": "s"}, "spec": {"type": type_, "ports": [{"port": 80}, {"port": 81}]}})
    assert service_usage(service) == {"services": 1, "count/services": 1, **expected}


def test_a_claim_counts_for_its_class_too() -> None:
    spec = {"resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}
    taken = claim_usage(made(core_v1.PersistentVolumeClaim, {"metadata": {"name": "c"}, "spec": spec}))
    assert taken["requests.storage"] == taken["fast.storageclass.storage.k8s.io/requests.storage"] == 2**30
    assert taken["fast.storageclass.storage.k8s.io/persistentvolumeclaims"] == 1


BURST = {"containers": [container("1")]}
AFFINITY = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "k", "namespaces": ["other"]}]}}


@pytest.mark.parametrize(
    ("spec", "quota", "counted"),
    [
        ({"containers": [container()]}, {"scopes": ["BestEffort"]}, True),
        (BURST, {"scopes": ["BestEffort"]}, False),
        (BURST, {"scopes": ["NotBestEffort"]}, True),
        (BURST, {"scopes": ["NotBestEffort", "Terminating"]}, False),
        ({**BURST, "activeDeadlineSeconds": 5}, {"scopes": ["NotBestEffort", "Terminating"]}, True),
        ({**BURST, "priorityClassName": "high"}, ("In", ["high"]), True),
        ({**BURST, "priorityClassName": "low"}, ("In", ["high"]), False),
        (BURST, ("DoesNotExist", []), True),
        ({**BURST, "priorityClassName": "low"}, ("NotIn", ["high"]), True),
        ({**BURST, "affinity": AFFINITY}, {"scopes": ["CrossNamespacePodAffinity"]}, True),
        (BURST, {"scopes": ["CrossNamespacePodAffinity"]}, False),
    ],
)
def test_scopes(spec: dict[str, Any], quota: Any, counted: bool) -> None:
    if isinstance(quota, tuple):
        operator, values = quota
        quota = {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": operator, "values": values}]}}
    assert in_scopes(pod(spec=spec), made(core_v1.ResourceQuotaSpec, quota)) is counted


def test_totals_and_how_they_are_shown() -> None:
    found = total([{"cpu": Fraction(1, 2), "memory": Fraction(2**20)}, {"cpu": Fraction(1, 4)}])
    assert {name: shown(name, amount) for name, amount in found.items()} == {"cpu": "750m", "memory": "1Mi"}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("count/deployments.apps", "/apis/apps/v1/namespaces/ns/deployments"),
        ("count/secrets", "/api/v1/namespaces/ns/secrets"),
        ("count/nodes", None),
        ("count/widgets.example.com", None),
    ],
)
def test_where_other_kinds_are_counted(name: str, path: str | None) -> None:
    assert counted_path(name, "ns") == path

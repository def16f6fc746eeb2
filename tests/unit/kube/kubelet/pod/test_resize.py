"""Proves what a running container's resources are changed to, when it begins anew for it, and when the node can't give them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod.resize import POD, Change, Told, change_of, news, problem, wanted, with_resources
from provisioner.kube.kubelet.pod.status import Seen, status_of
from tests.unit.kube.kubelet.pod.test_decide import made


def pod_of(cpu: str = "100m", memory: str = "64Mi", **container: Any) -> core_v1.Pod:
    resources = {"requests": {"memory": memory, "cpu": cpu}, "limits": {"cpu": cpu, "memory": memory}}
    body = {"containers": [{"name": "main", "image": "i", "resources": resources, **container}]}
    return codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p", "uid": "u"}, "spec": body})


RESTART = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
CPU = {"CpuShares": 204, "CpuPeriod": 100_000, "CpuQuota": 20_000}
MEMORY = {"Memory": 128 * 1024**2, "MemorySwap": 128 * 1024**2}


@pytest.mark.parametrize(
    ("pod", "change"),
    [
        (pod_of(), None),
        (pod_of(cpu="200m"), Change(CPU, restart=False)),
        (pod_of(memory="128Mi"), Change(MEMORY, restart=False)),
        (pod_of(memory="128Mi", resizePolicy=RESTART), Change(MEMORY, restart=True)),
        (pod_of(cpu="200m", resizePolicy=RESTART), Change(CPU, restart=False)),
        (pod_of(resources={}), Change({"CpuShares": 2, "CpuPeriod": 100_000, "CpuQuota": -1, "Memory": -1, "MemorySwap": -1}, restart=False)),
    ],
    ids=["as-it-is", "cpu", "memory", "memory-anew", "cpu-goes-on", "no-limits"],
)  # fmt: skip
def test_what_docker_is_told(pod: core_v1.Pod, change: Change | None) -> None:
    running = dataclasses.replace(made(), cpu_shares=102, cpu_quota=10_000, memory_bytes=64 * 1024**2)
    assert change_of(pod.spec, (pod.spec.containers or [])[0], running, 8 * 1024**3) == change


@pytest.mark.parametrize(
    ("pod", "reason"), [(pod_of("500m"), None), (pod_of("1500m"), "Deferred"), (pod_of("3"), "Infeasible"), (pod_of(memory="9Gi"), "Infeasible")]
)  # fmt: skip
def test_what_the_node_has_not(pod: core_v1.Pod, reason: str | None) -> None:
    found = problem(pod, [pod_of("1")], {"cpu": 2000, "memory": 8 * 1024**3})
    assert (found[0] if found else None) == reason
    if found:
        assert "requested: " in found[1] and "capacity: " in found[1]


def test_a_pod_runs_with_what_it_was_given() -> None:
    before, after = pod_of("100m"), pod_of("3")
    assert with_resources(after, wanted(after)) is after
    allowed = with_resources(after, wanted(before))
    assert wanted(allowed) == wanted(before) and wanted(after) != wanted(before)


def test_what_is_the_pods_own_reaches_the_containers_that_have_none_and_the_status() -> None:
    def whole(cpu: str) -> core_v1.Pod:
        pod = pod_of(resources={}, restartPolicy=None)
        pod.spec.resources = core_v1.ResourceRequirements(limits={"cpu": cpu}, requests={"cpu": cpu})
        pod.spec.init_containers = [core_v1.Container(name="first", resources=core_v1.ResourceRequirements(requests={"cpu": cpu}))]
        return pod

    before, after = whole("100m"), whole("200m")
    assert set(wanted(before)) == {POD, "first", "main"} and wanted(with_resources(after, wanted(before))) == wanted(before)
    running = dataclasses.replace(made(), cpu_shares=2, cpu_quota=10_000, memory_bytes=0)
    change = change_of(after.spec, (after.spec.containers or [])[0], running, 8 * 1024**3)
    assert change is not None and change.update["CpuQuota"] == 20_000
    found = status_of(after, Seen([], "2026-01-01T00:00:00Z", "10.0.0.1", allocated=wanted(before), actual={POD: before.spec.resources}))
    assert found.allocated_resources == {"cpu": "100m"} and found.resources == before.spec.resources


def test_events_tell_of_resizes_once() -> None:
    before, after = pod_of("1"), pod_of("2")
    after.metadata.generation = 2
    shown = '{"containers":[{"name":"main","resources":{"limits":{"cpu":"2","memory":"64Mi"},"requests":{"cpu":"2","memory":"64Mi"}}}],"generation":2'
    waits = ("Deferred", "no room")
    notes, told = news(Told(), after, before, wanted(before), waits, begun=False)
    assert notes == [("Warning", "ResizeDeferred", f'Pod resize Deferred: {shown},"error":"no room"}}')]
    assert news(told, after, before, wanted(before), waits, begun=False)[0] == []
    notes, told = news(told, after, after, wanted(before), None, begun=True)
    assert notes == [("Normal", "ResizeStarted", f"Pod resize started: {shown}}}")]
    assert news(told, after, after, wanted(before), None, begun=False) == ([], told)
    notes, told = news(told, after, after, wanted(after), None, begun=False)
    assert notes == [("Normal", "ResizeCompleted", f"Pod resize completed: {shown}}}")]
    assert news(told, after, after, wanted(after), None, begun=False)[0] == []

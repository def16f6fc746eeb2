"""Proves how a job's plan is carried out: pods and their numbers, counting through finalizers, orphans, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import batch_v1, core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.controllers.job_plan import INDEX, TRACKING
from provisioner.kube.controllers.jobs import Jobs
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import made


def job(**spec: Any) -> batch_v1.Job:
    labels = {"batch.kubernetes.io/controller-uid": "u"}
    template = {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c"}]}}
    whole = {"selector": {"matchLabels": labels}, "template": template, "parallelism": 1, **spec}
    return made(batch_v1.Job, {"metadata": {"name": "j", "namespace": "ns", "uid": "u"}, "spec": whole})


def ends(cluster: Cluster, phase: str) -> None:
    for pod in cluster.all(core_v1.Pod):
        cluster.put(msgspec.structs.replace(pod, status=core_v1.PodStatus(phase=phase)))


async def started(**spec: Any) -> tuple[Cluster, Jobs]:
    cluster = Cluster()
    jobs = Jobs(cluster.parts())
    cluster.put(job(**spec))
    await cluster.settle(jobs)
    return cluster, jobs


async def test_from_the_first_pod_to_the_last_count() -> None:
    cluster, jobs = await started(completions=2, parallelism=2)
    assert [p.metadata.finalizers for p in cluster.all(core_v1.Pod)] == [[TRACKING]] * 2
    assert cluster.all(batch_v1.Job)[0].status.active == 2
    ends(cluster, "Succeeded")
    await cluster.settle(jobs)
    status = cluster.all(batch_v1.Job)[0].status
    assert (status.succeeded, status.active, [c.type for c in status.conditions or ()]) == (2, None, ["SuccessCriteriaMet", "Complete"])
    assert status.completion_time is not None
    assert not any(p.metadata.finalizers for p in cluster.all(core_v1.Pod))
    assert ("Normal", "Completed", "Job completed") in cluster.events


async def test_indexed_pods_know_their_number() -> None:
    cluster, _ = await started(completions=2, parallelism=2, completionMode="Indexed")
    found = {(p.metadata.annotations or {})[INDEX]: p for p in cluster.all(core_v1.Pod)}
    assert sorted(found) == ["0", "1"]
    spec = found["1"].spec
    assert (spec.hostname, found["1"].metadata.generate_name, (found["1"].metadata.labels or {})[INDEX]) == ("j-1", "j-1-", "1")
    env = (spec.containers or [])[0].env or []
    assert [e.name for e in env] == ["JOB_COMPLETION_INDEX"]


async def test_pods_without_their_job_are_free() -> None:
    cluster, jobs = await started()
    (pod,) = cluster.all(core_v1.Pod)
    await cluster.delete(batch_v1.Job, "j", "ns")
    await cluster.settle(jobs)
    assert cluster.all(core_v1.Pod)[0].metadata.name == pod.metadata.name
    assert not cluster.all(core_v1.Pod)[0].metadata.finalizers


async def test_suspending_removes_pods_and_resuming_makes_them_anew() -> None:
    cluster, jobs = await started(parallelism=2)
    for suspend, there in ((True, 0), (False, 2)):
        (known,) = cluster.all(batch_v1.Job)
        cluster.put(msgspec.structs.replace(known, spec=msgspec.structs.replace(known.spec, suspend=suspend)))
        await cluster.settle(jobs)
        assert len(cluster.all(core_v1.Pod)) == there
        assert bool(cluster.all(batch_v1.Job)[0].status.start_time) is not suspend, "its deadline counts from when it goes on"
    status = cluster.all(batch_v1.Job)[0].status
    assert (status.failed, status.active) == (None, 2)
    assert [reason for _, reason, _ in cluster.events if reason in ("Suspended", "Resumed")] == ["Suspended", "Resumed"]


async def test_somebody_elses_job_is_left_alone() -> None:
    cluster, _ = await started(managedBy="example.com/other")
    assert cluster.all(core_v1.Pod) == []


async def test_a_refused_pod_is_told_and_leaves_an_honest_status() -> None:
    cluster = Cluster()
    jobs = Jobs(cluster.parts())
    cluster.refuse = StatusError(403, "Forbidden", "exceeded quota")
    cluster.put(job(parallelism=3))
    with pytest.raises(StatusError, match="exceeded quota"):
        await cluster.settle(jobs)
    assert cluster.all(batch_v1.Job)[0].status.active is None
    assert cluster.events == [("Warning", "FailedCreate", "Error creating: exceeded quota")], "what always fails, fails once"
    cluster.refuse = None
    jobs.queue.add("ns/j")
    await cluster.settle(jobs)
    assert len(cluster.all(core_v1.Pod)) == 3


async def test_a_finished_job_goes_when_its_time_is_over() -> None:
    cluster, jobs = await started(ttlSecondsAfterFinished=5)
    ends(cluster, "Succeeded")
    await cluster.settle(jobs)
    jobs.queue.add("ns/j")
    assert await cluster.settle(jobs) == 5
    await cluster.clock.advance(6)
    jobs.queue.add("ns/j")
    await cluster.settle(jobs)
    assert cluster.all(batch_v1.Job) == []

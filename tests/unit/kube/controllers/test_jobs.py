"""Proves what a job does next: how many pods, which indexes, when it waits, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import batch_v1, core_v1
from provisioner.kube.controllers.jobs import Plan, backoff_s, decide
from tests.unit.kube.controllers.objects import NOW, at, made


def job(started: str = "", **spec: Any) -> batch_v1.Job:
    return made(batch_v1.Job, {"metadata": {"name": "j"}, "spec": {"template": {}, **spec}, "status": {"startTime": started or at(-10)}})


def pods(*phases: str, ended_s: float = -600, index: bool = False) -> list[core_v1.Pod]:
    found = []
    for i, phase in enumerate(phases):
        notes = {"batch.kubernetes.io/job-completion-index": str(i)} if index else {}
        ended = [{"name": "c", "state": {"terminated": {"exitCode": 1, "finishedAt": at(ended_s)}}}] if phase == "Failed" else []
        metadata = {"name": f"p{i}", "annotations": notes, "creationTimestamp": at(-600 + i)}
        found.append(made(core_v1.Pod, {"metadata": metadata, "spec": {}, "status": {"phase": phase, "containerStatuses": ended}}))
    return found


@pytest.mark.parametrize(
    ("found", "there", "plan"),
    [
        (job(completions=3, parallelism=2), (), Plan(create=2)),
        (job(completions=3, parallelism=2), ("Running", "Running"), Plan(create=0)),
        (job(completions=3, parallelism=2), ("Succeeded", "Succeeded", "Running"), Plan(create=0)),
        (job(completions=3, parallelism=5), ("Succeeded",), Plan(create=2)),
        (job(completions=1), ("Failed",), Plan(create=1)),
        (job(parallelism=3), (), Plan(create=3)),
        (job(parallelism=3), ("Succeeded", "Running"), Plan(create=0)),
    ],
)
def test_how_many_pods(found: batch_v1.Job, there: tuple[str, ...], plan: Plan) -> None:
    assert decide(found, pods(*there), NOW) == plan


@pytest.mark.parametrize(
    ("found", "there", "type_", "reason"),
    [
        (job(completions=2), ("Succeeded", "Succeeded"), "Complete", "CompletionsReached"),
        (job(), ("Succeeded",), "Complete", "CompletionsReached"),
        (job(completions=2, backoffLimit=1), ("Failed", "Failed", "Running"), "Failed", "BackoffLimitExceeded"),
        (job(at(-61), completions=2, activeDeadlineSeconds=60), ("Running",), "Failed", "DeadlineExceeded"),
    ],
)
def test_when_it_is_over(found: batch_v1.Job, there: tuple[str, ...], type_: str, reason: str) -> None:
    plan = decide(found, pods(*there), NOW)
    assert plan.finish is not None and plan.finish[:2] == (type_, reason)
    assert len(plan.delete) == there.count("Running")


def test_a_failed_pod_is_replaced_after_its_backoff() -> None:
    plan = decide(job(completions=1), pods("Failed", ended_s=-4), NOW)
    assert (plan.create, plan.again_s) == (0, backoff_s(1) - 4)
    assert [backoff_s(n) for n in (0, 1, 2, 3, 20)] == [0, 10, 20, 40, 600]


def test_indexes_that_are_missing_are_made() -> None:
    plan = decide(job(completions=4, parallelism=3, completionMode="Indexed"), pods("Succeeded", "Failed", "Running", index=True), NOW)
    assert (plan.create, plan.indexes) == (2, (1, 3))


def test_suspended_and_shrunk_jobs_let_pods_go() -> None:
    assert len(decide(job(suspend=True, completions=3, parallelism=2), pods("Running", "Running"), NOW).delete) == 2
    assert len(decide(job(completions=9, parallelism=1), pods("Running", "Running", "Running"), NOW).delete) == 2

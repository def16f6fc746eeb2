"""Proves what a job does next: how many pods and which indexes, what is counted and when, and how and when it is over."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import batch_v1, core_v1
from provisioner.kube.controllers.job_plan import INDEX, INDEX_FAILURES, TRACKING, Backoff, New, Plan, backoff_s, decide, finish, settle
from tests.unit.kube.controllers.objects import NOW, at, made

FAIL_42 = {"rules": [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [42]}}]}


def job(status: dict[str, Any] | None = None, **spec: Any) -> batch_v1.Job:
    template = {"spec": {"restartPolicy": spec.pop("restart", "Never")}}
    status = {"startTime": at(-10), **(status or {})}
    return made(batch_v1.Job, {"metadata": {"name": "j"}, "spec": {"template": template, **spec}, "status": status})


def indexed(completions: int, **spec: Any) -> batch_v1.Job:
    return job(spec.pop("status", None), completions=completions, parallelism=completions, completionMode="Indexed", **spec)


def pod(name: str, phase: str, *, index: int | None = None, ended_s: float = -900, code: int = 1, **metadata: Any) -> core_v1.Pod:
    notes = {} if index is None else {INDEX: str(index), **metadata.pop("notes", {})}
    ended = (
        [{"name": "c", "state": {"terminated": {"exitCode": code, "finishedAt": at(ended_s)}}}] if phase in ("Failed", "Succeeded") else []
    )
    known = {"name": name, "uid": name, "annotations": notes, "creationTimestamp": at(-900), "finalizers": [TRACKING], **metadata}
    return made(core_v1.Pod, {"metadata": known, "spec": {}, "status": {"phase": phase, "containerStatuses": ended}})


def pods(*phases: str, ended_s: float = -900, index: bool = False) -> list[core_v1.Pod]:
    return [pod(f"p{i}", phase, index=i if index else None, ended_s=ended_s) for i, phase in enumerate(phases)]


def plan(found: batch_v1.Job, there: list[core_v1.Pod], **more: Any) -> Plan:
    return decide(found, there, frozenset(), Backoff(), NOW, **more)


@pytest.mark.parametrize(
    ("found", "there", "made_"),
    [
        (job(completions=3, parallelism=2), (), 2),
        (job(completions=3, parallelism=2), ("Running", "Running"), 0),
        (job(completions=3, parallelism=2), ("Succeeded", "Succeeded", "Running"), 0),
        (job(completions=3, parallelism=5), ("Succeeded",), 2),
        (job({"succeeded": 2}, completions=3, parallelism=5), (), 1),
        (job(completions=1), ("Failed",), 1),
        (job(parallelism=3), (), 3),
        (job(parallelism=3), ("Succeeded", "Running"), 0),
        (job(suspend=True, parallelism=3), (), 0),
        (job(parallelism=0), (), 0),
    ],
)
def test_how_many_pods(found: batch_v1.Job, there: tuple[str, ...], made_: int) -> None:
    assert plan(found, pods(*there)).create == (New(),) * made_
    assert plan(found, pods(*there), settled=False).create == ()


@pytest.mark.parametrize(
    ("found", "there", "ends_as"),
    [
        (job(completions=2), pods("Succeeded", "Succeeded"), ("SuccessCriteriaMet", "CompletionsReached")),
        (job(), pods("Succeeded"), ("SuccessCriteriaMet", "CompletionsReached")),
        (job({"succeeded": 1}), [], ("SuccessCriteriaMet", "CompletionsReached")),
        (job(completions=2, backoffLimit=1), pods("Failed", "Failed", "Running"), ("FailureTarget", "BackoffLimitExceeded")),
        (job({"failed": 2}, backoffLimit=1), pods("Running"), ("FailureTarget", "BackoffLimitExceeded")),
        (job({"startTime": at(-61)}, activeDeadlineSeconds=60), pods("Running"), ("FailureTarget", "DeadlineExceeded")),
        (indexed(3, backoffLimitPerIndex=0, maxFailedIndexes=0), pods("Failed", "Running", index=True), ("FailureTarget", "MaxFailedIndexesExceeded")),
        (indexed(2, backoffLimitPerIndex=0), pods("Failed", "Succeeded", index=True), ("FailureTarget", "FailedIndexes")),
        (indexed(3, successPolicy={"rules": [{"succeededIndexes": "0"}]}), pods("Succeeded", "Running", index=True), ("SuccessCriteriaMet", "SuccessPolicy")),
    ],
)  # fmt: skip
def test_how_it_ends(found: batch_v1.Job, there: list[core_v1.Pod], ends_as: tuple[str, str]) -> None:
    decided = plan(found, there)
    assert decided.ends_as is not None and decided.ends_as[:2] == ends_as
    assert [p.metadata.name for p in decided.end] == [p.metadata.name for p in there if p.status.phase == "Running"]
    assert list(decided.strip) == there, "every pod is counted, and free to go"
    assert any(c.type == ends_as[0] and c.status == "True" for c in decided.status.conditions or ())


def test_a_pod_is_counted_once_in_three_steps() -> None:
    found = job(completions=3, parallelism=3, backoffLimit=9)
    there = pods("Succeeded", "Failed", "Running")
    first = plan(found, there).status
    assert first.uncounted_terminated_pods == batch_v1.UncountedTerminatedPods(succeeded=["p0"], failed=["p1"])
    assert (first.succeeded, first.failed) == (None, None)
    counted = settle(first, {"p2"})
    assert (counted.succeeded, counted.failed, counted.uncounted_terminated_pods) == (1, 1, batch_v1.UncountedTerminatedPods())
    stale = decide(msgspec.structs.replace(found, status=counted), there, frozenset({"p0", "p1"}), Backoff(), NOW).status
    assert (stale.succeeded, stale.failed, stale.uncounted_terminated_pods) == (1, 1, batch_v1.UncountedTerminatedPods())
    again = plan(msgspec.structs.replace(found, status=first), there).status
    assert again.uncounted_terminated_pods == first.uncounted_terminated_pods, "a crash in between repeats the step"


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ({}, True),
        ({"terminating": 1}, False),
        ({"active": 1}, False),
        ({"uncountedTerminatedPods": {"failed": ["x"]}}, False),
    ],
)
def test_it_is_over_when_no_pod_is_left_to_end_or_to_count(status: dict[str, Any], over: bool) -> None:
    done = finish(made(batch_v1.JobStatus, status), ("FailureTarget", "Because", "of it"), NOW)
    assert (done is not None) is over
    if done is not None:
        assert [(c.type, c.reason) for c in done.conditions or ()] == [("Failed", "Because")] and done.completion_time is None


def test_failed_pods_are_replaced_after_their_backoff() -> None:
    decided = plan(job(completions=1), pods("Failed", ended_s=-4))
    assert (decided.create, decided.again_s, decided.backoff.failures) == ((), backoff_s(1) - 4, 1)
    assert [backoff_s(n) for n in (0, 1, 2, 3, 20)] == [0, 10, 20, 40, 600]
    cleared = plan(job(completions=5), [pod("bad", "Failed", ended_s=-9), pod("good", "Succeeded", ended_s=-2)])
    assert cleared.backoff == Backoff(), "a success begins the count anew"


def test_indexes() -> None:
    decided = plan(indexed(4), pods("Succeeded", "Failed", "Running", index=True))
    assert (decided.create, decided.status.completed_indexes) == ((New(1), New(3)), "0")
    shrunk = plan(indexed(1), [pod("a", "Running", index=0), pod("b", "Running", index=1), pod("c", "Running", index=0)])
    assert len(shrunk.let_go) == 2, "one of an index that is no longer wanted, one that is there twice"


def test_each_index_has_its_own_limit() -> None:
    found = indexed(3, backoffLimitPerIndex=2, podFailurePolicy=FAIL_42)
    there = [
        pod("a", "Failed", index=0, notes={INDEX_FAILURES: "1"}),
        pod("b", "Failed", index=1, notes={INDEX_FAILURES: "2"}),
        pod("c", "Failed", index=2, code=42),
    ]
    decided = plan(found, there)
    assert decided.status.failed_indexes == "1,2"
    assert decided.create == (New(0, 2),), "the new pod of an index knows how often it has failed"
    assert [p.metadata.name for p in decided.strip] == ["b", "c"], "the last failed pod stays until its index goes on"


@pytest.mark.parametrize(("policy", "made_", "counted"), [(None, 1, ["p"]), ("Failed", 0, None), ("TerminatingOrFailed", 1, ["p"])])
def test_when_a_terminating_pod_is_replaced(policy: str | None, made_: int, counted: list[str] | None) -> None:
    there = [pod("p", "Running", deletionTimestamp=at(-700))]
    decided = plan(job(podReplacementPolicy=policy), there)
    assert (len(decided.create), decided.status.terminating) == (made_, 1)
    assert decided.status.uncounted_terminated_pods is not None and decided.status.uncounted_terminated_pods.failed == counted


def test_suspended_and_shrunk_jobs_let_pods_go_uncounted() -> None:
    suspended = plan(job(suspend=True, completions=3, parallelism=2), pods("Running", "Running"))
    assert (len(suspended.let_go), suspended.strip, suspended.status.terminating) == (2, (), 2)
    assert [(c.type, c.status) for c in suspended.status.conditions or ()] == [("Suspended", "True")]
    assert len(plan(job(completions=9, parallelism=1), pods("Running", "Running", "Running")).let_go) == 2


def test_restarts_in_place_count_as_failures() -> None:
    running = pods("Running")
    running[0].status.container_statuses = [core_v1.ContainerStatus(name="c", restart_count=2)]
    assert plan(job(restart="OnFailure", backoffLimit=3), running).ends_as is None
    decided = plan(job(restart="OnFailure", backoffLimit=2), running)
    assert decided.ends_as is not None and decided.ends_as[1] == "BackoffLimitExceeded"

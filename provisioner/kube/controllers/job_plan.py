"""What a Job does next, from its status and its pods. Pure.

A pod carries a finalizer until its end is counted. Counting has three steps, each safe to repeat: its uid goes into
`uncountedTerminatedPods` (an index that succeeded goes straight into `completedIndexes`), its finalizer goes, its uid becomes a count.
Source: the documentation of batch/v1 Job; messages are upstream's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from provisioner.kube.api._generated import batch_v1, core_v1
from provisioner.kube.api.meta import condition, parse_time
from provisioner.kube.controllers import job_indexes
from provisioner.kube.controllers.job_policies import Verdict, success, verdict
from provisioner.kube.controllers.pods import is_active, is_ready

# Upstream's back-off of failed pods: 10 s, 20 s, … 10 min.
FIRST_BACKOFF_S = 10.0
MAX_BACKOFF_S = 600.0
# Upstream's MaxPodCreateDeletePerSync and MaxUncountedPods.
BURST = 500
INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURES = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
TRACKING = "batch.kubernetes.io/job-tracking"
Condition = tuple[str, str, str]


@dataclass(frozen=True)
class New:
    """A pod to make; for an index with its own back-off limit, how often that index has failed so far."""

    index: int | None = None
    failures: int | None = None
    ignored: int = 0


@dataclass(frozen=True)
class Backoff:
    """Failures in a row, and when the last one was."""

    failures: int = 0
    last: datetime | None = None

    def left_s(self, now: datetime) -> float:
        return backoff_s(self.failures) - (now - self.last).total_seconds() if self.last is not None else 0.0


@dataclass(frozen=True)
class Plan:
    """`let_go` pods are removed uncounted, `end` ones because the job is over. `ends_as` is (FailureTarget or SuccessCriteriaMet, reason,
    message). `strip` loses its finalizer once `status` is written."""

    create: tuple[New, ...] = ()
    let_go: tuple[core_v1.Pod, ...] = ()
    end: tuple[core_v1.Pod, ...] = ()
    ends_as: Condition | None = None
    strip: tuple[core_v1.Pod, ...] = ()
    status: batch_v1.JobStatus = field(default_factory=batch_v1.JobStatus)
    backoff: Backoff = Backoff()
    again_s: float | None = None


@dataclass
class _Standing:
    """The job's pods by what they are, and what they come to with what was counted before."""

    active: list[core_v1.Pod]
    terminating: int
    verdicts: dict[str, Verdict]
    new_succeeded: list[core_v1.Pod]
    new_failed: list[core_v1.Pod]
    succeeded: int
    failed: int
    done: Set[int] = frozenset()
    lost: Set[int] = frozenset()
    delayed: dict[int, core_v1.Pod] = field(default_factory=dict)


def index_of(pod: core_v1.Pod) -> int | None:
    text = (pod.metadata.annotations or {}).get(INDEX, "")
    return int(text) if text.isdigit() else None


def backoff_s(failures: int) -> float:
    return float(min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (failures - 1))) if failures else 0.0


def is_finished(job: batch_v1.Job) -> bool:
    return any(c.type in ("Complete", "Failed") and c.status == "True" for c in job.status.conditions or ())


def is_tracked(pod: core_v1.Pod) -> bool:
    return TRACKING in (pod.metadata.finalizers or ())


def waits_for_the_end(job: batch_v1.Job) -> bool:
    """Whether a pod counts as failed, and is replaced, only when it has ended, and not already when it is being deleted."""
    return job.spec.pod_replacement_policy == "Failed" or job.spec.pod_failure_policy is not None


def has_failed(job: batch_v1.Job, pod: core_v1.Pod) -> bool:
    if pod.status.phase == "Failed":
        return True
    return not waits_for_the_end(job) and pod.metadata.deletion_timestamp is not None and pod.status.phase != "Succeeded"


def is_indexed(job: batch_v1.Job) -> bool:
    return job.spec.completion_mode == "Indexed"


def decide(
    job: batch_v1.Job, pods: list[core_v1.Pod], stripped: Set[str], backoff: Backoff, now: datetime, *, settled: bool = True
) -> Plan:
    """For a job that isn't finished. `stripped` are uids whose finalizer we took while `pods` doesn't show it yet; `settled` says that
    `pods` has all that we made, so that more may be made."""
    standing = _stand(job, pods, stripped)
    backoff = _note_failures(standing, backoff, now)
    ends_as, again_s = _ending(job, standing, now)
    create: tuple[New, ...] = ()
    let_go: tuple[core_v1.Pod, ...] = ()
    end: tuple[core_v1.Pod, ...] = ()
    if ends_as is not None:
        end = tuple(standing.active)
        if end and not settled:
            ends_as = None
    elif settled and job.metadata.deletion_timestamp is None:
        let_go = _superfluous(job, standing)
        if not let_go and not job.spec.suspend:
            create, wait_s = _missing(job, standing, backoff, now)
            again_s = wait_s if wait_s is not None else again_s
        left = len(standing.active) - len(let_go) + len(create)
        wanted = job.spec.completions
        if left == 0 and (standing.succeeded > 0 if wanted is None else standing.succeeded >= wanted):
            ends_as = ("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods")
    gone = {p.metadata.uid for p in (*let_go, *end)}
    active = [p for p in standing.active if p.metadata.uid not in gone]
    status = msgspec.structs.replace(
        job.status,
        active=len(active) or None,
        ready=sum(map(is_ready, active)),
        terminating=standing.terminating + len(gone),
        start_time=_started(job, ends_as, now),
        conditions=_with_suspension(job, ends_as, now) if settled else job.status.conditions,
    )
    status, strip = _count(job, pods, standing, stripped, ends_as, status, {p.metadata.uid for p in let_go})
    if ends_as is not None:
        status.conditions = _added(status.conditions, ends_as, now)
    return Plan(create, let_go, end, ends_as, strip, status, backoff, again_s)


def _started(job: batch_v1.Job, ends_as: Condition | None, now: datetime) -> str | None:
    """A suspended job has not started: its deadline counts anew, and its template may be steered."""
    if job.spec.suspend:
        return job.status.start_time if ends_as is not None else None
    return job.status.start_time or _stamp(now)


def _stand(job: batch_v1.Job, pods: list[core_v1.Pod], stripped: Set[str]) -> _Standing:
    uncounted = job.status.uncounted_terminated_pods or batch_v1.UncountedTerminatedPods()
    tracked = [p for p in pods if is_tracked(p) and p.metadata.uid not in stripped]
    verdicts = {p.metadata.uid or "": verdict(job.spec.pod_failure_policy, p) for p in tracked if has_failed(job, p)}
    new_succeeded = [p for p in tracked if p.status.phase == "Succeeded" and p.metadata.uid not in (uncounted.succeeded or ())]
    new_failed = [p for p in tracked if has_failed(job, p) and p.metadata.uid not in (uncounted.failed or ())]
    counted = sum(verdicts[p.metadata.uid or ""].counts for p in new_failed)
    standing = _Standing(
        active=[p for p in pods if is_active(p)],
        terminating=sum(p.metadata.deletion_timestamp is not None and p.status.phase not in ("Succeeded", "Failed") for p in pods),
        verdicts=verdicts,
        new_succeeded=new_succeeded,
        new_failed=new_failed,
        succeeded=(job.status.succeeded or 0) + len(uncounted.succeeded or ()) + len(new_succeeded),
        failed=(job.status.failed or 0) + len(uncounted.failed or ()) + counted,
    )
    if is_indexed(job):
        completions = job.spec.completions or 0
        fresh = {i for p in tracked if p.status.phase == "Succeeded" and (i := index_of(p)) is not None and i < completions}
        standing.done = job_indexes.parse(job.status.completed_indexes, completions) | fresh
        standing.succeeded = len(standing.done)
        if job.spec.backoff_limit_per_index is not None:
            _stand_by_index(job, tracked, standing)
    return standing


def _stand_by_index(job: batch_v1.Job, tracked: list[core_v1.Pod], standing: _Standing) -> None:
    """Which indexes have failed for good, and each other one's last failed pod, which stays until its replacement is made."""
    completions, limit = job.spec.completions or 0, job.spec.backoff_limit_per_index or 0
    lost = set(job_indexes.parse(job.status.failed_indexes, completions))
    failed = [(i, p) for p in tracked if has_failed(job, p) and (i := index_of(p)) is not None and i < completions]
    lost |= {i for i, p in failed if standing.verdicts[p.metadata.uid or ""].action == "FailIndex" or _failures(p, standing)[0] > limit}
    standing.lost = lost - standing.done
    busy = {index_of(p) for p in standing.active}
    for index, pod in failed:
        if index in lost or index in busy or index in standing.done:
            continue
        known = standing.delayed.get(index)
        if known is None or sum(_failures(pod, standing)) > sum(_failures(known, standing)):
            standing.delayed[index] = pod


def _failures(pod: core_v1.Pod, standing: _Standing) -> tuple[int, int]:
    """(counted, ignored) failures of a failed pod's index, with this one."""
    notes = pod.metadata.annotations or {}
    counted, ignored = (int(text) if (text := notes.get(key, "0")).isdigit() else 0 for key in (INDEX_FAILURES, INDEX_IGNORED))
    return (counted + 1, ignored) if standing.verdicts[pod.metadata.uid or ""].counts else (counted, ignored + 1)


def ended_at(pod: core_v1.Pod) -> datetime | None:
    """When the last container ended, or the pod was deleted."""
    moments = [
        parse_time(s.state.terminated.finished_at)
        for s in pod.status.container_statuses or ()
        if s.state is not None and s.state.terminated is not None
    ]
    return max(
        (m for m in moments if m is not None), default=parse_time(pod.metadata.deletion_timestamp or pod.metadata.creation_timestamp)
    )


def _note_failures(standing: _Standing, before: Backoff, now: datetime) -> Backoff:
    """A success begins the count anew; only what failed after it counts."""
    success_at = max((m for p in standing.new_succeeded if (m := ended_at(p)) is not None), default=None)
    failures = 0 if success_at is not None else before.failures
    last = None if success_at is not None else before.last
    for pod in standing.new_failed:
        moment = ended_at(pod) or now
        if success_at is None or moment > success_at:
            failures, last = failures + 1, max(last or moment, moment)
    return Backoff(failures, last)


def _ending(job: batch_v1.Job, standing: _Standing, now: datetime) -> tuple[Condition | None, float | None]:
    """(how the job is about to end, when its deadline is)."""
    spec = job.spec
    for type_ in ("SuccessCriteriaMet", "FailureTarget"):
        known = condition(job.status.conditions, type_)
        if known is not None and known.status == "True":
            return (type_, known.reason or "", known.message or ""), None
    told = next((v.message for v in standing.verdicts.values() if v.action == "FailJob"), None)
    if told is not None:
        return ("FailureTarget", "PodFailurePolicy", told), None
    limit = spec.backoff_limit if spec.backoff_limit is not None else 6
    if standing.failed > limit or _restarted_too_often(job, standing.active, limit):
        return ("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"), None
    again_s, started = None, parse_time(job.status.start_time)
    if spec.active_deadline_seconds is not None and not spec.suspend:
        again_s = spec.active_deadline_seconds - ((now - started).total_seconds() if started is not None else 0.0)
        if again_s <= 0:
            return ("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline"), None
    if not is_indexed(job):
        return None, again_s
    if spec.max_failed_indexes is not None and len(standing.lost) > spec.max_failed_indexes:
        text = "Job has exceeded the specified maximal number of failed indexes"
        return ("FailureTarget", "MaxFailedIndexesExceeded", text), None
    if standing.lost and len(standing.lost) + len(standing.done) >= (spec.completions or 0):
        return ("FailureTarget", "FailedIndexes", "Job has failed indexes"), None
    met = success(spec.success_policy, spec.completions or 0, standing.done)
    return (("SuccessCriteriaMet", "SuccessPolicy", met) if met is not None else None), again_s


def _restarted_too_often(job: batch_v1.Job, active: list[core_v1.Pod], limit: int) -> bool:
    """Pods that restart in place (OnFailure) count by their restarts."""
    policy = job.spec.template.spec.restart_policy if job.spec.template is not None and job.spec.template.spec is not None else None
    if policy != "OnFailure":
        return False
    statuses = [s for p in active for s in [*(p.status.container_statuses or ()), *(p.status.init_container_statuses or ())]]
    restarts = sum(s.restart_count or 0 for s in statuses)
    return restarts > 0 if limit == 0 else restarts >= limit


def _wanted(job: batch_v1.Job, standing: _Standing) -> int:
    parallelism = job.spec.parallelism if job.spec.parallelism is not None else 1
    if job.spec.suspend:
        return 0
    if job.spec.completions is None:
        return len(standing.active) if standing.succeeded else parallelism
    return max(0, min(parallelism, job.spec.completions - standing.succeeded - len(standing.lost)))


def _superfluous(job: batch_v1.Job, standing: _Standing) -> tuple[core_v1.Pod, ...]:
    """Active pods that are too many, least useful first; of one index all but the oldest, and those of indexes that are no longer wanted."""
    ranked = sorted(standing.active, key=lambda p: (bool(p.spec.node_name), p.status.phase == "Running", is_ready(p), _youngest_first(p)))
    going: list[core_v1.Pod] = []
    if is_indexed(job):
        seen: set[int] = set()
        for pod in reversed(ranked):
            index = index_of(pod)
            if index is None or index >= (job.spec.completions or 0) or index in seen:
                going.append(pod)
            else:
                seen.add(index)
    for pod in ranked:
        if len(standing.active) - len(going) <= _wanted(job, standing):
            break
        if pod not in going:
            going.append(pod)
    return tuple(going[:BURST])


def _youngest_first(pod: core_v1.Pod) -> float:
    created = parse_time(pod.metadata.creation_timestamp)
    return -created.timestamp() if created is not None else 0.0


def _missing(job: batch_v1.Job, standing: _Standing, backoff: Backoff, now: datetime) -> tuple[tuple[New, ...], float | None]:
    """(pods to make, or how long to wait before any may be made)."""
    held = standing.terminating if waits_for_the_end(job) else 0
    count = min(_wanted(job, standing) - held - len(standing.active), BURST)
    if count <= 0:
        return (), None
    per_index = job.spec.backoff_limit_per_index is not None
    if not per_index and (wait_s := backoff.left_s(now)) > 0:
        return (), wait_s
    if not is_indexed(job):
        return (New(),) * count, None
    used = {index_of(p) for p in standing.active} | standing.done | standing.lost
    free = [i for i in range(job.spec.completions or 0) if i not in used][:count]
    if not per_index:
        return tuple(New(i) for i in free), None
    made, waits = [], []
    for index in free:
        last = standing.delayed.get(index)
        failures, ignored = _failures(last, standing) if last is not None else (0, 0)
        wait_s = Backoff(failures + ignored, ended_at(last)).left_s(now) if last is not None else 0.0
        if wait_s > 0:
            waits.append(wait_s)
        else:
            made.append(New(index, failures, ignored))
    return tuple(made), None if made else min(waits, default=None)


def _count(
    job: batch_v1.Job,
    pods: list[core_v1.Pod],
    standing: _Standing,
    stripped: Set[str],
    ends_as: Condition | None,
    status: batch_v1.JobStatus,
    let_go: Set[str | None],
) -> tuple[batch_v1.JobStatus, tuple[core_v1.Pod, ...]]:
    """Take in what ended since. When the job is over every pod that runs on counts as failed."""
    known = status.uncounted_terminated_pods or batch_v1.UncountedTerminatedPods()
    tracked = [p for p in pods if is_tracked(p) and p.metadata.uid not in stripped and p.metadata.uid not in let_go]
    status = settle(status, {p.metadata.uid or "" for p in tracked})
    kept = status.uncounted_terminated_pods or batch_v1.UncountedTerminatedPods()
    succeeded, failed = list(kept.succeeded or ()), list(kept.failed or ())
    over = ends_as is not None or job.metadata.deletion_timestamp is not None
    strip = []
    for pod in tracked:
        uid, index = pod.metadata.uid or "", index_of(pod)
        if pod.status.phase == "Succeeded":
            if not is_indexed(job) and uid not in (known.succeeded or ()):
                succeeded.append(uid)
        elif over or has_failed(job, pod):
            valid = not is_indexed(job) or (index is not None and index < (job.spec.completions or 0))
            if valid and uid not in (known.failed or ()) and standing.verdicts.get(uid, Verdict()).counts:
                failed.append(uid)
            if not over and index is not None and standing.delayed.get(index) is pod:
                continue
        else:
            continue
        strip.append(pod)
        if len(strip) >= BURST:
            break
    status.uncounted_terminated_pods = batch_v1.UncountedTerminatedPods(succeeded=succeeded or None, failed=failed or None)
    if is_indexed(job):
        status.completed_indexes = job_indexes.render(standing.done) or None
        status.succeeded = len(standing.done) or None
        if job.spec.backoff_limit_per_index is not None:
            status.failed_indexes = job_indexes.render(standing.lost)
    return status, tuple(strip)


def settle(status: batch_v1.JobStatus, tracked: Iterable[str]) -> batch_v1.JobStatus:
    """Uids whose pods have no finalizer any more (all but `tracked`) become counts."""
    still, known = set(tracked), status.uncounted_terminated_pods or batch_v1.UncountedTerminatedPods()
    succeeded, failed = ([uid for uid in uids or () if uid in still] for uids in (known.succeeded, known.failed))
    return msgspec.structs.replace(
        status,
        succeeded=(status.succeeded or 0) + len(known.succeeded or ()) - len(succeeded) or None,
        failed=(status.failed or 0) + len(known.failed or ()) - len(failed) or None,
        uncounted_terminated_pods=batch_v1.UncountedTerminatedPods(succeeded=succeeded or None, failed=failed or None),
    )


def finish(status: batch_v1.JobStatus, ends_as: Condition, now: datetime) -> batch_v1.JobStatus | None:
    """The status of a job that is over; None while pods are to be counted or still end."""
    left = status.uncounted_terminated_pods
    if (left is not None and (left.succeeded or left.failed)) or status.terminating or status.active:
        return None
    type_, reason, message = ends_as
    good = type_ == "SuccessCriteriaMet"
    conditions = _added(status.conditions, ("Complete" if good else "Failed", reason, message), now)
    return msgspec.structs.replace(
        status, ready=0, conditions=conditions, completion_time=(status.completion_time or _stamp(now)) if good else None
    )


def _stamp(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _condition(type_: str, status: str, reason: str, message: str, now: datetime) -> batch_v1.JobCondition:
    stamp = _stamp(now)
    return batch_v1.JobCondition(
        type=type_, status=status, reason=reason, message=message, last_probe_time=stamp, last_transition_time=stamp
    )


def _added(conditions: list[batch_v1.JobCondition] | None, added: Condition, now: datetime) -> list[batch_v1.JobCondition]:
    type_, reason, message = added
    known = condition(conditions, type_)
    if known is not None and known.status == "True":
        return list(conditions or ())
    return [*(c for c in conditions or () if c.type != type_), _condition(type_, "True", reason, message, now)]


def _with_suspension(job: batch_v1.Job, ends_as: Condition | None, now: datetime) -> list[batch_v1.JobCondition] | None:
    """The condition Suspended follows the spec, as long as the job isn't about to end."""
    known = condition(job.status.conditions, "Suspended")
    suspended = known is not None and known.status == "True"
    if ends_as is not None or bool(job.spec.suspend) == suspended:
        return job.status.conditions
    rest = [c for c in job.status.conditions or () if c.type != "Suspended"]
    if job.spec.suspend:
        return [*rest, _condition("Suspended", "True", "JobSuspended", "Job suspended", now)]
    return [*rest, _condition("Suspended", "False", "JobResumed", "Job resumed", now)]


def failures_of(job: batch_v1.Job, known: Mapping[str, Backoff], key: str) -> Backoff:
    """What is remembered of a job's failures."""
    return known.get(key, Backoff()) if job.spec.backoff_limit_per_index is None else Backoff()

"""Job: pods that run to their end, as many times as wanted, retried with back-off."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from provisioner.kube.api._generated import batch_v1, core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import condition, controller_of, parse_time
from provisioner.kube.client.informer import key_of
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.expectations import Expectations
from provisioner.kube.controllers.pod_control import create_pod, delete_pod
from provisioner.kube.controllers.pods import controlled_by, is_active, is_ready, pod_from_template

# Upstream's back-off of failed pods: 10 s, 20 s, … 10 min.
FIRST_BACKOFF_S = 10.0
MAX_BACKOFF_S = 600.0
INDEX = "batch.kubernetes.io/job-completion-index"
NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")


@dataclass(frozen=True)
class Plan:
    """`finish` is (condition type, reason, message). `indexes` belong to the pods that are made, for Indexed jobs."""

    create: int = 0
    indexes: tuple[int, ...] = ()
    delete: tuple[core_v1.Pod, ...] = ()
    finish: tuple[str, str, str] | None = None
    again_s: float | None = None


@dataclass
class Tally:
    active: list[core_v1.Pod] = field(default_factory=list)
    succeeded: list[core_v1.Pod] = field(default_factory=list)
    failed: list[core_v1.Pod] = field(default_factory=list)


def tally(pods: list[core_v1.Pod]) -> Tally:
    found = Tally()
    for pod in pods:
        if pod.status.phase == "Succeeded":
            found.succeeded.append(pod)
        elif pod.status.phase == "Failed" or (pod.metadata.deletion_timestamp is not None and pod.status.phase != "Succeeded"):
            found.failed.append(pod)
        elif is_active(pod):
            found.active.append(pod)
    return found


def index_of(pod: core_v1.Pod) -> int | None:
    text = (pod.metadata.annotations or {}).get(INDEX, "")
    return int(text) if text.isdigit() else None


def backoff_s(failures: int) -> float:
    return float(min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (failures - 1))) if failures else 0.0


def _ended_at(pod: core_v1.Pod) -> datetime | None:
    moments = [
        parse_time(s.state.terminated.finished_at)
        for s in pod.status.container_statuses or ()
        if s.state is not None and s.state.terminated is not None
    ]
    return max((m for m in moments if m is not None), default=parse_time(pod.metadata.creation_timestamp))


def decide(job: batch_v1.Job, pods: list[core_v1.Pod], now: datetime) -> Plan:
    """What to do next for a job that isn't finished."""
    spec, found = job.spec, tally(pods)
    indexed = spec.completion_mode == "Indexed"
    done = len({index_of(p) for p in found.succeeded}) if indexed else len(found.succeeded)
    failures = len(found.failed) + sum(s.restart_count or 0 for p in found.active for s in p.status.container_statuses or ())
    limit = spec.backoff_limit if spec.backoff_limit is not None else 6
    if failures > limit:
        return Plan(delete=tuple(found.active), finish=("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"))
    started = parse_time(job.status.start_time)
    if spec.active_deadline_seconds is not None and started is not None:
        left = spec.active_deadline_seconds - (now - started).total_seconds()
        if left <= 0:
            return Plan(delete=tuple(found.active), finish=("Failed", "DeadlineExceeded", "Job was active longer than specified deadline"))
    if spec.suspend:
        return Plan(delete=tuple(found.active))
    complete = done >= spec.completions if spec.completions is not None else bool(found.succeeded) and not found.active
    if complete:
        return Plan(delete=tuple(found.active), finish=("Complete", "CompletionsReached", "Reached expected number of succeeded pods"))
    parallelism = spec.parallelism if spec.parallelism is not None else 1
    if spec.completions is not None:
        wanted = min(parallelism, spec.completions - done)
    else:
        wanted = len(found.active) if found.succeeded else parallelism
    missing = wanted - len(found.active)
    if missing < 0:
        ranked = sorted(found.active, key=lambda p: (is_ready(p), p.metadata.creation_timestamp or ""))
        return Plan(delete=tuple(ranked[:-missing]))
    if missing and found.failed:
        last = max((m for p in found.failed if (m := _ended_at(p)) is not None), default=now)
        left = backoff_s(len(found.failed)) - (now - last).total_seconds()
        if left > 0:
            return Plan(again_s=left)
    if not indexed:
        return Plan(create=missing)
    used = {index_of(p) for p in [*found.active, *found.succeeded]}
    free = [i for i in range(spec.completions or 0) if i not in used][:missing]
    return Plan(create=len(free), indexes=tuple(free))


def is_finished(job: batch_v1.Job) -> bool:
    return any(c.type in ("Complete", "Failed") and c.status == "True" for c in job.status.conditions or ())


class Jobs(Controller):
    name = "job"
    workers = 5

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._jobs = self.watch(batch_v1.Job)
        self._pods = self.informers.get(core_v1.Pod)
        self._expectations = Expectations(self.clock)
        self._pods.add_handler(self._pod_added, lambda _, pod: self.enqueue_owner("Job", pod), self._pod_gone)

    def _pod_added(self, pod: core_v1.Pod) -> None:
        owner = controller_of(pod)
        if owner is not None and owner.kind == "Job":
            self._expectations.created(f"{pod.metadata.namespace}/{owner.name}")
        self.enqueue_owner("Job", pod)

    def _pod_gone(self, pod: core_v1.Pod) -> None:
        owner = controller_of(pod)
        if owner is not None and owner.kind == "Job":
            self._expectations.deleted(f"{pod.metadata.namespace}/{owner.name}", key_of(pod))
        self.enqueue_owner("Job", pod)

    async def reconcile(self, key: str) -> float | None:
        job: batch_v1.Job | None = self._jobs.store.get(key)
        if job is None:
            self._expectations.forget(key)
            return None
        if job.metadata.deletion_timestamp is not None:
            return None
        if is_finished(job):
            return await self._expire(job)
        if job.spec.selector is None:
            await self._give_selector(job)
            return None
        pods = [p for p in self._pods.store.list(job.metadata.namespace) if controlled_by(p, job)]
        plan = decide(job, pods, self.clock.now()) if self._expectations.fulfilled(key) else Plan()
        await asyncio.gather(*(delete_pod(self, job, pod) for pod in plan.delete))
        if plan.create:
            self._expectations.expect_creations(key, plan.create)
            wanted = plan.indexes or (None,) * plan.create
            await asyncio.gather(*(self._create(job, key, index) for index in wanted))
        status = self._status(job, pods, plan)
        if status != job.status:
            await self.client.update_status(msgspec.structs.replace(job, status=status))
            self._tell_of_suspension(job, status)
            if plan.finish is not None:
                type_, reason, message = plan.finish
                good = type_ == "Complete"
                self.recorder.event(
                    job, "Normal" if good else "Warning", "Completed" if good else reason, "Job completed" if good else message
                )
        deadline = job.spec.active_deadline_seconds
        return plan.again_s if plan.again_s is not None else float(deadline) if deadline and plan.finish is None else None

    def _tell_of_suspension(self, job: batch_v1.Job, status: batch_v1.JobStatus) -> None:
        before, after = condition(job.status.conditions, "Suspended"), condition(status.conditions, "Suspended")
        if after is not None and (before is None or before.status != after.status):
            suspended = after.status == "True"
            self.recorder.event(job, "Normal", "Suspended" if suspended else "Resumed", after.message)

    async def _give_selector(self, job: batch_v1.Job) -> None:
        """Servers that don't make a job's selector themselves leave it to us: pods are found by the job's uid."""
        labels = {**dict.fromkeys(NAME_LABELS, job.metadata.name or ""), **dict.fromkeys(UID_LABELS, job.metadata.uid or "")}
        body = {
            "spec": {
                "selector": {"matchLabels": {UID_LABELS[0]: job.metadata.uid}},
                "template": {"metadata": {"labels": labels}},
            }
        }
        await self.client.patch(batch_v1.Job, job.metadata.name or "", job.metadata.namespace, body=body)

    async def _expire(self, job: batch_v1.Job) -> float | None:
        """ttlSecondsAfterFinished."""
        if job.spec.ttl_seconds_after_finished is None:
            return None
        moments = [parse_time(c.last_transition_time) for c in job.status.conditions or () if c.type in ("Complete", "Failed")]
        ended = max((m for m in moments if m is not None), default=None)
        if ended is None:
            return None
        left = job.spec.ttl_seconds_after_finished - (self.clock.now() - ended).total_seconds()
        if left > 0:
            return left
        await self.client.delete(
            batch_v1.Job, job.metadata.name or "", job.metadata.namespace, uid=job.metadata.uid, propagation_policy="Foreground"
        )
        return None

    async def _create(self, job: batch_v1.Job, key: str, index: int | None) -> None:
        assert job.spec.template is not None
        pod = pod_from_template(job.spec.template, job)
        names = dict.fromkeys(NAME_LABELS, job.metadata.name or "")
        uids = dict.fromkeys(UID_LABELS, job.metadata.uid or "")
        pod.metadata.labels = {**(pod.metadata.labels or {}), **names, **uids}
        if index is not None:
            pod.metadata.annotations = {**(pod.metadata.annotations or {}), INDEX: str(index)}
            pod.metadata.labels[INDEX] = str(index)
            pod.metadata.generate_name = f"{job.metadata.name}-{index}-"
            variable = core_v1.EnvVar(name="JOB_COMPLETION_INDEX", value=str(index))
            containers = [msgspec.structs.replace(c, env=[*(c.env or ()), variable]) for c in pod.spec.containers or ()]
            pod.spec = msgspec.structs.replace(
                pod.spec, containers=containers, hostname=pod.spec.hostname or f"{job.metadata.name}-{index}"
            )
        try:
            await create_pod(self, job, pod)
        except StatusError:
            self._expectations.created(key)
            raise

    def _status(self, job: batch_v1.Job, pods: list[core_v1.Pod], plan: Plan) -> batch_v1.JobStatus:
        found, now = tally(pods), self.now()
        conditions = list(job.status.conditions or ())
        completed = None
        if plan.finish is not None:
            type_, reason, message = plan.finish
            before = "SuccessCriteriaMet" if type_ == "Complete" else "FailureTarget"
            conditions += [
                batch_v1.JobCondition(
                    type=name, status="True", reason=reason, message=message, last_probe_time=now, last_transition_time=now
                )
                for name in (before, type_)
            ]
            completed = now if type_ == "Complete" else None
        started = job.status.start_time or (None if job.spec.suspend else now)
        suspended = condition(conditions, "Suspended")
        if plan.finish is None and (bool(job.spec.suspend) != (suspended is not None and suspended.status == "True")):
            conditions = [c for c in conditions if c.type != "Suspended"]
            conditions.append(_suspended(bool(job.spec.suspend), now))
            started = started if job.spec.suspend else now
        active = 0 if plan.finish is not None else len(found.active)
        indexes = sorted({i for p in found.succeeded if (i := index_of(p)) is not None})
        return batch_v1.JobStatus(
            active=active or None,
            ready=sum(map(is_ready, found.active)) if plan.finish is None else 0,
            succeeded=len(found.succeeded) or None,
            failed=len(found.failed) or None,
            terminating=0,
            start_time=started,
            completion_time=job.status.completion_time or completed,
            completed_indexes=_ranges(indexes) if indexes else None,
            conditions=conditions or None,
            uncounted_terminated_pods=batch_v1.UncountedTerminatedPods(),
        )


def _suspended(suspended: bool, now: str) -> batch_v1.JobCondition:
    return batch_v1.JobCondition(
        type="Suspended",
        status="True" if suspended else "False",
        reason="JobSuspended" if suspended else "JobResumed",
        message="Job suspended" if suspended else "Job resumed",
        last_probe_time=now,
        last_transition_time=now,
    )


def _ranges(numbers: list[int]) -> str:
    """1,3-5,7 for 1, 3, 4, 5, 7."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)

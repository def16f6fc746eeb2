"""Job: pods that run to their end, as many times as wanted, retried with back-off. What is done next is decided in job_plan."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from provisioner.kube.api._generated import batch_v1, core_v1
from provisioner.kube.api.meta import condition, controller_of, parse_time
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.client.informer import key_of, split_key
from provisioner.kube.controllers.claims import claim, drop_finalizer
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.expectations import Expectations
from provisioner.kube.controllers.job_plan import (
    INDEX,
    INDEX_FAILURES,
    INDEX_IGNORED,
    TRACKING,
    Backoff,
    New,
    Plan,
    decide,
    failures_of,
    finish,
    is_finished,
    is_indexed,
    is_tracked,
    settle,
)
from provisioner.kube.controllers.pod_control import create_pod, delete_pod, slow_start
from provisioner.kube.controllers.pods import pod_from_template

NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
OURS = (None, "kubernetes.io/job-controller")


class Jobs(Controller):
    name = "job"
    workers = 5

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._expiring = parts.client_of("ttl-after-finished-controller")
        self._jobs = self.watch(batch_v1.Job)
        self._pods = self.informers.get(core_v1.Pod)
        self._expectations = Expectations(self.clock)
        # uids whose finalizer we took and the informer still shows
        self._stripped: set[str] = set()
        self._backoffs: dict[str, Backoff] = {}
        self._pods.add_handler(self._pod_added, self._pod_updated, self._pod_gone)

    def _pod_added(self, pod: core_v1.Pod) -> None:
        owner = controller_of(pod)
        if owner is not None and owner.kind == "Job":
            self._expectations.created(f"{pod.metadata.namespace}/{owner.name}")
        self._enqueue_for(pod)

    def _pod_updated(self, old: core_v1.Pod, pod: core_v1.Pod) -> None:
        if not is_tracked(pod):
            self._stripped.discard(pod.metadata.uid or "")
        owner = controller_of(pod)
        if pod.metadata.deletion_timestamp is not None and owner is not None and owner.kind == "Job":
            self._expectations.deleted(f"{pod.metadata.namespace}/{owner.name}", key_of(pod))
        self.enqueue_owner("Job", old)
        self._enqueue_for(pod)

    def _pod_gone(self, pod: core_v1.Pod) -> None:
        self._stripped.discard(pod.metadata.uid or "")
        owner = controller_of(pod)
        if owner is not None and owner.kind == "Job":
            self._expectations.deleted(f"{pod.metadata.namespace}/{owner.name}", key_of(pod))
        self.enqueue_owner("Job", pod)

    def _enqueue_for(self, pod: core_v1.Pod) -> None:
        """Its job, or without a controller those that would have it; a finalizer that no job will take is looked at under the label."""
        if controller_of(pod) is not None:
            self.enqueue_owner("Job", pod)
            return
        for job in self._jobs.store.list(pod.metadata.namespace):
            if job.spec.selector is not None and from_struct(job.spec.selector).matches(pod.metadata.labels):
                self.enqueue(job)
        if is_tracked(pod):
            self.queue.add(f"{pod.metadata.namespace}/{(pod.metadata.labels or {}).get(NAME_LABELS[0], '')}")

    async def reconcile(self, key: str) -> float | None:
        job: batch_v1.Job | None = self._jobs.store.get(key)
        await self._free_orphans(key)
        if job is None:
            self._expectations.forget(key)
            self._backoffs.pop(key, None)
            return None
        if job.spec.managed_by not in OURS:
            return None
        if is_finished(job):
            self._backoffs.pop(key, None)
            return await self._expire(job)
        if job.spec.selector is None:
            await self._give_selector(job)
            return None
        pods = await claim(self, job, self._pods.store.list(job.metadata.namespace), finalizer=TRACKING)
        settled = self._expectations.fulfilled(key)
        before = failures_of(job, self._backoffs, key)
        plan = decide(job, pods, self._stripped, before, self.clock.now(), settled=settled)
        return await self._carry_out(job, key, pods, plan)

    async def _carry_out(self, job: batch_v1.Job, key: str, pods: list[core_v1.Pod], plan: Plan) -> float | None:
        going = (*plan.let_go, *plan.end)
        if going:
            self._expectations.expect_deletions(key, {key_of(p) for p in going})
            await asyncio.gather(*(self._remove(job, key, pod, uncounted=pod in plan.let_go) for pod in going))
        missed, error = 0, None
        if plan.create:
            self._expectations.expect_creations(key, len(plan.create))
            missed, error = await slow_start(len(plan.create), lambda n: create_pod(self, job, _pod(job, plan.create[n])))
            for _ in range(missed):
                self._expectations.created(key)
        made = len(plan.create) - missed
        status = msgspec.structs.replace(plan.status, active=(plan.status.active or 0) + made or None)
        job = await self._write(job, status)
        self._backoffs[key] = plan.backoff
        if plan.strip:
            await asyncio.gather(*(self._strip(pod) for pod in plan.strip))
            taken = {p.metadata.uid or "" for p in plan.strip}
            tracked = {p.metadata.uid or "" for p in pods if is_tracked(p)} - taken - self._stripped
            status = settle(status, tracked)
        over = finish(status, plan.ends_as, self.clock.now()) if plan.ends_as is not None else None
        await self._write(job, over or status)
        if over is not None and plan.ends_as is not None:
            type_, reason, message = plan.ends_as
            good = type_ == "SuccessCriteriaMet"
            self.recorder.event(job, "Normal" if good else "Warning", "Completed" if good else reason, "Job completed" if good else message)
        if error is not None:
            raise error
        return plan.again_s

    async def _write(self, job: batch_v1.Job, status: batch_v1.JobStatus) -> batch_v1.Job:
        if status == job.status:
            return job
        suspended, was = condition(status.conditions, "Suspended"), condition(job.status.conditions, "Suspended")
        changed = suspended is not None and (was is None or was.status != suspended.status)
        if changed and suspended.status == "False":
            # A deadline counts from when the job goes on.
            status.start_time = self.now()
        written = await self.client.update_status(msgspec.structs.replace(job, status=status))
        if changed:
            self.recorder.event(job, "Normal", "Suspended" if suspended.status == "True" else "Resumed", suspended.message)
        return written

    async def _remove(self, job: batch_v1.Job, key: str, pod: core_v1.Pod, *, uncounted: bool) -> None:
        """A pod that is only too many is no failure: it loses its finalizer first."""
        if uncounted and is_tracked(pod):
            await self._strip(pod)
        if not await delete_pod(self, job, pod):
            self._expectations.deleted(key, key_of(pod))

    async def _strip(self, pod: core_v1.Pod) -> None:
        await drop_finalizer(self, pod, TRACKING)
        if self._pods.store.get(key_of(pod)) is not None:
            self._stripped.add(pod.metadata.uid or "")

    async def _free_orphans(self, key: str) -> None:
        """Pods whose job is gone, or has let them go, have nobody who will count them; those of a finished job are counted."""
        job: batch_v1.Job | None = self._jobs.store.get(key)
        namespace, name = split_key(key)
        for pod in self._pods.store.list(namespace):
            if not is_tracked(pod) or pod.metadata.uid in self._stripped:
                continue
            owner = controller_of(pod)
            if owner is None:
                ours = (pod.metadata.labels or {}).get(NAME_LABELS[0], "") == name and (
                    job is None or not from_struct(job.spec.selector).matches(pod.metadata.labels)
                )
            else:
                ours = owner.kind == "Job" and owner.name == name and (job is None or owner.uid != job.metadata.uid or is_finished(job))
            if ours:
                await self._strip(pod)

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
        if job.spec.ttl_seconds_after_finished is None or job.metadata.deletion_timestamp is not None:
            return None
        moments = [parse_time(c.last_transition_time) for c in job.status.conditions or () if c.type in ("Complete", "Failed")]
        ended = max((m for m in moments if m is not None), default=None)
        if ended is None:
            return None
        left = job.spec.ttl_seconds_after_finished - (self.clock.now() - ended).total_seconds()
        if left > 0:
            return left
        await self._expiring.delete(
            batch_v1.Job, job.metadata.name or "", job.metadata.namespace, uid=job.metadata.uid, propagation_policy="Foreground"
        )
        return None


def _pod(job: batch_v1.Job, new: New) -> core_v1.Pod:
    assert job.spec.template is not None
    pod = pod_from_template(job.spec.template, job)
    names = dict.fromkeys(NAME_LABELS, job.metadata.name or "")
    uids = dict.fromkeys(UID_LABELS, job.metadata.uid or "")
    labels = pod.metadata.labels or {}
    # With a selector of the user's own, the labels are the user's affair as well.
    pod.metadata.labels = labels if job.spec.manual_selector else {**labels, **names, **uids}
    pod.metadata.finalizers = [*(pod.metadata.finalizers or ()), TRACKING]
    if is_indexed(job) and new.index is not None:
        _number(job, pod, new)
    return pod


def _number(job: batch_v1.Job, pod: core_v1.Pod, new: New) -> None:
    notes: dict[str, str] = {**(pod.metadata.annotations or {}), INDEX: str(new.index)}
    if job.spec.backoff_limit_per_index is not None:
        notes[INDEX_FAILURES] = str(new.failures or 0)
        if new.ignored:
            notes[INDEX_IGNORED] = str(new.ignored)
    pod.metadata.annotations = notes
    pod.metadata.labels = {**(pod.metadata.labels or {}), INDEX: str(new.index)}
    pod.metadata.generate_name = f"{job.metadata.name}-{new.index}-"
    source = core_v1.EnvVarSource(field_ref=core_v1.ObjectFieldSelector(api_version="v1", field_path=f"metadata.labels['{INDEX}']"))
    variable = core_v1.EnvVar(name="JOB_COMPLETION_INDEX", value_from=source)

    def told(containers: list[core_v1.Container] | None) -> Any:
        return [
            c if any(e.name == variable.name for e in c.env or ()) else msgspec.structs.replace(c, env=[*(c.env or ()), variable])
            for c in containers or ()
        ] or None

    spec = pod.spec
    pod.spec = msgspec.structs.replace(
        spec,
        containers=told(spec.containers),
        init_containers=told(spec.init_containers),
        hostname=spec.hostname or f"{job.metadata.name}-{new.index}",
    )

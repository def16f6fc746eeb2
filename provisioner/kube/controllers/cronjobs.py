"""CronJob: a Job at each time of its schedule, unless an earlier one still runs and that matters; old ones are cleaned up."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from provisioner.kube.api._generated import batch_v1, core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import condition, controller_of, owner_reference, parse_time, rfc3339
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.cron import Schedule, ScheduleError, parse
from provisioner.kube.controllers.job_plan import is_finished
from provisioner.kube.controllers.pod_control import namespace_is_going

KIND = "CronJob"
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
# Upstream tells of more missed times than this instead of counting them.
MANY_MISSED = 100
# Upstream's nextScheduleDelta: wake up just after the time, not just before it.
LATE_S = 0.1
_EVENT_TIME = "%a, %d %b %Y %H:%M:%S +0000"


@dataclass(frozen=True)
class Due:
    """`latest` is the last time that was due and not started; `missed` counts those since, roughly; `next` is the one to come."""

    latest: datetime | None
    missed: int
    next: datetime | None


def due(cron: batch_v1.CronJob, schedule: Schedule, zone: tzinfo, now: datetime) -> Due:
    """What the schedule says, between the last start (or the creation, or startingDeadlineSeconds ago) and now."""
    earliest = parse_time(cron.status.last_schedule_time) or parse_time(cron.metadata.creation_timestamp) or now
    deadline = cron.spec.starting_deadline_seconds
    if deadline is not None:
        earliest = max(earliest, now - timedelta(seconds=deadline))
    if schedule.every_s:
        periods = int((now - earliest).total_seconds() // schedule.every_s)
        latest = earliest + timedelta(seconds=periods * schedule.every_s) if periods else None
        return Due(latest, periods, (latest or earliest) + timedelta(seconds=schedule.every_s))
    latest, missed = None, 0
    moment = schedule.next(earliest, zone)
    while moment is not None and moment <= now:
        latest, missed = moment, missed + 1
        if missed > MANY_MISSED:
            # Too many to walk through: what counts is the last one, which is in the last period before now.
            latest = _last_before(schedule, zone, moment, now)
            moment = schedule.next(now, zone)
            break
        moment = schedule.next(moment, zone)
    return Due(latest, missed, moment)


def _last_before(schedule: Schedule, zone: tzinfo, known: datetime, now: datetime) -> datetime:
    """The last time up to now; looked for in ever longer spans before it."""
    span = timedelta(minutes=2)
    while now - span > known:
        moment = schedule.next(now - span, zone)
        if moment is not None and moment <= now:
            break
        span *= 4
    moment = max(known, now - span)
    while (following := schedule.next(moment, zone)) is not None and following <= now:
        moment = following
    return moment


def finished_as(job: batch_v1.Job) -> str:
    return next((c.type or "" for c in job.status.conditions or () if c.type in ("Complete", "Failed") and c.status == "True"), "")


def outlived(jobs: list[batch_v1.Job], cron: batch_v1.CronJob) -> list[batch_v1.Job]:
    """Finished jobs beyond the history limits, oldest first."""
    found: list[batch_v1.Job] = []
    limits = (("Complete", cron.spec.successful_jobs_history_limit), ("Failed", cron.spec.failed_jobs_history_limit))
    for type_, limit in limits:
        if limit is None:
            continue
        ended = sorted((j for j in jobs if finished_as(j) == type_), key=lambda j: (j.status.start_time or "", j.metadata.name or ""))
        found += ended[: max(0, len(ended) - limit)]
    return found


def job_name(cron: batch_v1.CronJob, moment: datetime) -> str:
    return f"{cron.metadata.name}-{int(moment.timestamp()) // 60}"


def job_at(cron: batch_v1.CronJob, moment: datetime, zone: tzinfo) -> batch_v1.Job:
    """The job of one time, named after it, so that it is never made twice."""
    template = cron.spec.job_template or batch_v1.JobTemplateSpec()
    metadata = template.metadata or meta_v1.ObjectMeta()
    stamp = moment.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")
    return batch_v1.Job(
        metadata=meta_v1.ObjectMeta(
            name=job_name(cron, moment),
            namespace=cron.metadata.namespace,
            labels=metadata.labels,
            annotations={**(metadata.annotations or {}), SCHEDULED: stamp},
            owner_references=[owner_reference(cron)],
        ),
        spec=template.spec or batch_v1.JobSpec(),
    )


def _reference(job: batch_v1.Job) -> core_v1.ObjectReference:
    metadata = job.metadata
    return core_v1.ObjectReference(
        api_version="batch/v1",
        kind="Job",
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
    )


class CronJobs(Controller):
    name = "cronjob"
    workers = 5

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._crons = self.watch(batch_v1.CronJob)
        self._jobs = self.informers.get(batch_v1.Job)
        self._jobs.on_change(lambda job: self.enqueue_owner(KIND, job))

    async def reconcile(self, key: str) -> float | None:
        cron: batch_v1.CronJob | None = self._crons.store.get(key)
        if cron is None:
            return None
        jobs = [j for j in self._jobs.store.list(cron.metadata.namespace) if (o := controller_of(j)) and o.uid == cron.metadata.uid]
        status = await self._counted(cron, jobs)
        again_s: float | None = None
        if cron.metadata.deletion_timestamp is None:
            again_s = await self._start(cron, jobs, status)
        for job in outlived(jobs, cron):
            await self._delete(cron, job)
        if status != cron.status:
            await self.client.update_status(msgspec.structs.replace(cron, status=status))
        return again_s

    async def _counted(self, cron: batch_v1.CronJob, jobs: list[batch_v1.Job]) -> batch_v1.CronJobStatus:
        """The status with jobs that have ended taken out of `active`, and told of."""
        status = msgspec.structs.replace(cron.status, active=list(cron.status.active or ()))
        active = {r.uid: r for r in status.active or ()}
        for job in jobs:
            ended = is_finished(job)
            if job.metadata.uid not in active and not ended:
                if SCHEDULED in (job.metadata.annotations or {}):
                    # Made by us in a round whose status was not written.
                    active[job.metadata.uid] = _reference(job)
                else:
                    text = f"Saw a job that the controller did not create or forgot: {job.metadata.name}"
                    self.recorder.event(cron, "Warning", "UnexpectedJob", text)
            elif job.metadata.uid in active and ended:
                del active[job.metadata.uid]
                text = f"Saw completed job: {job.metadata.name}, condition: {finished_as(job)}"
                self.recorder.event(cron, "Normal", "SawCompletedJob", text)
            if finished_as(job) == "Complete":
                done = job.status.completion_time
                status.last_successful_time = max(filter(None, (status.last_successful_time, done)), default=None)
        for uid, reference in list(active.items()):
            if all(job.metadata.uid != uid for job in jobs) and not await self._is_there(reference):
                del active[uid]
                self.recorder.event(cron, "Normal", "MissingJob", f"Active job went missing: {reference.name}")
        status.active = list(active.values()) or None
        return status

    async def _is_there(self, reference: core_v1.ObjectReference) -> bool:
        try:
            found = await self.client.get(batch_v1.Job, reference.name or "", reference.namespace)
        except StatusError as error:
            if error.code == 404:
                return False
            raise
        return found.metadata.uid == reference.uid

    async def _start(self, cron: batch_v1.CronJob, jobs: list[batch_v1.Job], status: batch_v1.CronJobStatus) -> float | None:
        """Start what is due; seconds until the next time."""
        if cron.spec.suspend:
            return None
        try:
            zone: tzinfo = zoneinfo.ZoneInfo(cron.spec.time_zone) if cron.spec.time_zone else UTC
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            self.recorder.event(cron, "Warning", "UnknownTimeZone", f'invalid timeZone: "{cron.spec.time_zone}": {error}')
            return None
        try:
            schedule = parse(cron.spec.schedule or "")
        except ScheduleError as error:
            self.recorder.event(cron, "Warning", "UnparseableSchedule", f'unparseable schedule: "{cron.spec.schedule}" : {error}')
            return None
        now = self.clock.now()
        found = due(cron, schedule, zone, now)
        if found.missed > MANY_MISSED:
            text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self.recorder.event(cron, "Warning", "TooManyMissedTimes", text)
        again_s = (found.next - now).total_seconds() + LATE_S if found.next is not None else None
        if found.latest is None:
            return again_s
        deadline = cron.spec.starting_deadline_seconds
        if deadline is not None and found.latest + timedelta(seconds=deadline) < now:
            text = f"Missed scheduled time to start a job: {found.latest.strftime(_EVENT_TIME)}"
            self.recorder.event(cron, "Warning", "MissSchedule", text)
            return again_s
        if job_name(cron, found.latest) in {r.name for r in status.active or ()}:
            status.last_schedule_time = rfc3339(found.latest)
            return again_s
        if cron.spec.concurrency_policy == "Forbid" and status.active:
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.recorder.event(cron, "Normal", "JobAlreadyActive", text)
            return again_s
        if cron.spec.concurrency_policy == "Replace":
            await self._replace(cron, jobs, status)
        await self._create(cron, found.latest, zone, status)
        return again_s

    async def _replace(self, cron: batch_v1.CronJob, jobs: list[batch_v1.Job], status: batch_v1.CronJobStatus) -> None:
        going = {r.uid for r in status.active or ()}
        for job in jobs:
            if job.metadata.uid in going:
                await self._delete(cron, job)
        status.active = None

    async def _create(self, cron: batch_v1.CronJob, moment: datetime, zone: tzinfo, status: batch_v1.CronJobStatus) -> None:
        wanted = job_at(cron, moment, zone)
        try:
            made = await self.client.create(wanted)
        except StatusError as error:
            if namespace_is_going(error):
                return
            if error.reason != "AlreadyExists":
                self.recorder.event(cron, "Warning", "FailedCreate", f"Error creating job: {error.message}")
                raise
            made = await self.client.get(batch_v1.Job, wanted.metadata.name or "", wanted.metadata.namespace)
            owner = controller_of(made)
            if owner is None or owner.uid != cron.metadata.uid or condition(made.status.conditions, "Complete") is not None:
                status.last_schedule_time = rfc3339(moment)
                return
        else:
            self.recorder.event(cron, "Normal", "SuccessfulCreate", f"Created job {made.metadata.name}")
        status.active = [*(r for r in status.active or () if r.uid != made.metadata.uid), _reference(made)]
        status.last_schedule_time = rfc3339(moment)

    async def _delete(self, cron: batch_v1.CronJob, job: batch_v1.Job) -> None:
        try:
            await self.client.delete(
                batch_v1.Job, job.metadata.name or "", job.metadata.namespace, uid=job.metadata.uid, propagation_policy="Background"
            )
        except StatusError as error:
            if error.code not in (404, 409):
                self.recorder.event(cron, "Warning", "FailedDelete", f"Deleted job: {error.message}")
                raise
        else:
            self.recorder.event(cron, "Normal", "SuccessfulDelete", f"Deleted job {job.metadata.name}")

"""Tables of the kinds that make pods: deployments, sets, controllers, jobs, cron jobs and their revisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api._generated import batch_v1
from provisioner.kube.api.meta import condition, controller_of
from provisioner.kube.api.tables.columns import NONE, Printer, age, columns, containers, duration, moment_of, pairs, selector, since

WIDE = ("Containers+", "Images+", "Selector+")


def _deployment(obj: Any, now: datetime) -> list[Any]:
    status = obj.status
    return [
        obj.metadata.name,
        f"{status.ready_replicas or 0}/{obj.spec.replicas or 0}",
        status.updated_replicas or 0,
        status.available_replicas or 0,
        age(obj, now),
        *containers(obj.spec.template),
        selector(obj.spec.selector),
    ]


def _replicated(obj: Any, now: datetime) -> list[Any]:
    """ReplicaSets and ReplicationControllers."""
    wanted = obj.spec.selector
    return [
        obj.metadata.name,
        obj.spec.replicas or 0,
        obj.status.replicas or 0,
        obj.status.ready_replicas or 0,
        age(obj, now),
        *containers(obj.spec.template),
        pairs(wanted) if isinstance(wanted, dict) else selector(wanted),
    ]


def _daemonset(obj: Any, now: datetime) -> list[Any]:
    status, template = obj.status, obj.spec.template
    return [
        obj.metadata.name,
        status.desired_number_scheduled or 0,
        status.current_number_scheduled or 0,
        status.number_ready or 0,
        status.updated_number_scheduled or 0,
        status.number_available or 0,
        pairs(template.spec.node_selector if template is not None and template.spec is not None else None),
        age(obj, now),
        *containers(template),
        selector(obj.spec.selector),
    ]


def _statefulset(obj: Any, now: datetime) -> list[Any]:
    ready = f"{obj.status.ready_replicas or 0}/{obj.spec.replicas or 0}"
    return [obj.metadata.name, ready, age(obj, now), *containers(obj.spec.template)]


def _holds(obj: Any, type_: str) -> bool:
    found = condition(obj.status.conditions, type_)
    return found is not None and found.status == "True"


def _job_status(obj: batch_v1.Job) -> str:
    ended = next((type_ for type_ in ("Complete", "Failed") if _holds(obj, type_)), None)
    if ended is not None:
        return ended
    if obj.metadata.deletion_timestamp:
        return "Terminating"
    return next((type_ for type_ in ("Suspended", "FailureTarget", "SuccessCriteriaMet") if _holds(obj, type_)), "Running")


def _completions(obj: batch_v1.Job) -> str:
    done = obj.status.succeeded or 0
    if obj.spec.completions is not None:
        return f"{done}/{obj.spec.completions}"
    workers = obj.spec.parallelism or 0
    return f"{done}/1 of {workers}" if workers > 1 else f"{done}/1"


def _job(obj: batch_v1.Job, now: datetime) -> list[Any]:
    started, ended = moment_of(obj.status.start_time), moment_of(obj.status.completion_time)
    return [
        obj.metadata.name,
        _job_status(obj),
        _completions(obj),
        "" if started is None else duration(((ended or now) - started).total_seconds()),
        age(obj, now),
        *containers(obj.spec.template),
        selector(obj.spec.selector),
    ]


def _cronjob(obj: batch_v1.CronJob, now: datetime) -> list[Any]:
    made = obj.spec.job_template.spec if obj.spec.job_template is not None else None
    last = obj.status.last_schedule_time
    return [
        obj.metadata.name,
        obj.spec.schedule or "",
        obj.spec.time_zone or NONE,
        "True" if obj.spec.suspend else "False",
        len(obj.status.active or ()),
        since(last, now) if last else NONE,
        age(obj, now),
        *containers(made.template if made is not None else None),
        selector(made.selector if made is not None else None),
    ]


def _revision(obj: Any, now: datetime) -> list[Any]:
    owner = controller_of(obj)
    shown = NONE
    if owner is not None:
        group, kind = (owner.api_version or "").rpartition("/")[0], (owner.kind or "").lower()
        shown = f"{kind}.{group}/{owner.name}" if group else f"{kind}/{owner.name}"
    return [obj.metadata.name, shown, obj.revision or 0, age(obj, now)]


_REPLICATED = Printer(columns("Name", "Desired:integer", "Current:integer", "Ready:integer", "Age", *WIDE), _replicated)
_COUNTS = tuple(f"{name}:integer" for name in ("Desired", "Current", "Ready", "Up-to-date", "Available"))

PRINTERS = {
    ("", "ReplicationController"): _REPLICATED,
    ("apps", "ReplicaSet"): _REPLICATED,
    ("apps", "Deployment"): Printer(columns("Name", "Ready", "Up-to-date", "Available", "Age", *WIDE), _deployment),
    ("apps", "DaemonSet"): Printer(columns("Name", *_COUNTS, "Node Selector", "Age", *WIDE), _daemonset),
    ("apps", "StatefulSet"): Printer(columns("Name", "Ready", "Age", "Containers+", "Images+"), _statefulset),
    ("apps", "ControllerRevision"): Printer(columns("Name", "Controller", "Revision", "Age"), _revision),
    ("batch", "Job"): Printer(columns("Name", "Status", "Completions", "Duration", "Age", *WIDE), _job),
    ("batch", "CronJob"): Printer(
        columns("Name", "Schedule", "Timezone", "Suspend:boolean", "Active:integer", "Last Schedule", "Age", *WIDE), _cronjob
    ),
}

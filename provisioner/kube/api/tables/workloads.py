"""The tables of the kinds that make pods."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api.meta import condition, parse_time
from provisioner.kube.api.tables import AGE, NAME, NONE, Cells, Column, age, human, images, selector_text

WIDE = (Column("Containers", priority=1), Column("Images", priority=1), Column("Selector", priority=1))


def _wide(obj: Any) -> list[Any]:
    names, used = images(obj.spec.template.spec) if obj.spec.template is not None and obj.spec.template.spec is not None else ("", "")
    return [names, used, selector_text(obj.spec.selector)]


def deployment(obj: Any, now: datetime) -> list[Any]:
    status = obj.status
    return [
        obj.metadata.name,
        f"{status.ready_replicas or 0}/{obj.spec.replicas or 0}",
        status.updated_replicas or 0,
        status.available_replicas or 0,
        age(obj.metadata.creation_timestamp, now),
        *_wide(obj),
    ]


def replica_set(obj: Any, now: datetime) -> list[Any]:
    status = obj.status
    counts = [obj.spec.replicas or 0, status.replicas or 0, status.ready_replicas or 0]
    return [obj.metadata.name, *counts, age(obj.metadata.creation_timestamp, now), *_wide(obj)]


def daemon_set(obj: Any, now: datetime) -> list[Any]:
    status = obj.status
    selector = obj.spec.template.spec.node_selector if obj.spec.template is not None and obj.spec.template.spec is not None else None
    return [
        obj.metadata.name,
        status.desired_number_scheduled or 0,
        status.current_number_scheduled or 0,
        status.number_ready or 0,
        status.updated_number_scheduled or 0,
        status.number_available or 0,
        selector_text(selector),
        age(obj.metadata.creation_timestamp, now),
        *_wide(obj),
    ]


def stateful_set(obj: Any, now: datetime) -> list[Any]:
    return [
        obj.metadata.name,
        f"{obj.status.ready_replicas or 0}/{obj.spec.replicas or 0}",
        age(obj.metadata.creation_timestamp, now),
        *_wide(obj)[:2],
    ]


def job(obj: Any, now: datetime) -> list[Any]:
    done = obj.status.succeeded or 0
    if obj.spec.completions is not None:
        completions = f"{done}/{obj.spec.completions}"
    else:
        completions = f"{done}/1 of {obj.spec.parallelism}" if (obj.spec.parallelism or 0) > 1 else f"{done}/1"
    started, ended = parse_time(obj.status.start_time), parse_time(obj.status.completion_time)
    duration = "" if started is None else human(int(((ended or now) - started).total_seconds()))
    status = "Running"
    for type_, shown in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended"), ("FailureTarget", "FailureTarget")):
        found = condition(obj.status.conditions, type_)
        if found is not None and found.status == "True":
            status = shown
            break
    else:
        status = "Terminating" if obj.metadata.deletion_timestamp else status
    return [obj.metadata.name, status, completions, duration, age(obj.metadata.creation_timestamp, now), *_wide(obj)]


def cron_job(obj: Any, now: datetime) -> list[Any]:
    last = age(obj.status.last_schedule_time, now) if obj.status.last_schedule_time else NONE
    made = obj.spec.job_template.spec if obj.spec.job_template is not None else None
    names, used = (
        images(made.template.spec) if made is not None and made.template is not None and made.template.spec is not None else ("", "")
    )
    return [
        obj.metadata.name,
        obj.spec.schedule,
        obj.spec.time_zone or NONE,
        str(bool(obj.spec.suspend)),
        len(obj.status.active or ()),
        last,
        age(obj.metadata.creation_timestamp, now),
        names,
        used,
        NONE,
    ]


def _number(name: str) -> Column:
    return Column(name, "integer")


TABLES: dict[str, tuple[tuple[Column, ...], Cells]] = {
    "Deployment": ((NAME, Column("Ready"), Column("Up-to-date"), Column("Available"), AGE, *WIDE), deployment),
    "ReplicaSet": ((NAME, _number("Desired"), _number("Current"), _number("Ready"), AGE, *WIDE), replica_set),
    "ReplicationController": ((NAME, _number("Desired"), _number("Current"), _number("Ready"), AGE, *WIDE), replica_set),
    "DaemonSet": (
        (NAME, *(_number(n) for n in ("Desired", "Current", "Ready", "Up-to-date", "Available")), Column("Node Selector"), AGE, *WIDE),
        daemon_set,
    ),
    "StatefulSet": ((NAME, Column("Ready"), AGE, *WIDE[:2]), stateful_set),
    "Job": ((NAME, Column("Status"), Column("Completions"), Column("Duration"), AGE, *WIDE), job),
    "CronJob": (
        (NAME, Column("Schedule"), Column("Timezone"), Column("Suspend"), _number("Active"), Column("Last Schedule"), AGE, *WIDE),
        cron_job,
    ),
}

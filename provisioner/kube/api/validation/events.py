"""Events of both groups: the newer form must say when, who, what and why, and the older one in the core group asks for less.

Upstream looks at either as one of the core group: refusals call the fields by that group's names.
"""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import core_v1, events_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import checks
from provisioner.kube.api.validation.checks import needed, unchanged

# Bytes at most.
MAX_TEXT, MAX_MESSAGE = 128, 1024
# What only the older form has.
_OLDER = {
    "firstTimestamp": "deprecated_first_timestamp",
    "lastTimestamp": "deprecated_last_timestamp",
    "count": "deprecated_count",
    "source": "deprecated_source",
}
# What an update by way of the newer group does not change: an event's series goes on, and its metadata.
_KEPT = {
    "involvedObject": "regarding",
    "reason": "reason",
    "message": "note",
    "source": "deprecated_source",
    "firstTimestamp": "deprecated_first_timestamp",
    "lastTimestamp": "deprecated_last_timestamp",
    "count": "deprecated_count",
    "type": "type",
    "eventTime": "event_time",
    "action": "action",
    "related": "related",
    "reportingController": "reporting_controller",
    "reportingInstance": "reporting_instance",
}


def create(obj: Any) -> list[FieldError]:
    problems = always(obj)
    if isinstance(obj, core_v1.Event):
        return problems
    problems += _series(obj.series) + needed("eventTime", obj.event_time)
    if obj.type not in ("Normal", "Warning"):
        problems.append(errors.invalid_value("type", "", f"has invalid value: {obj.type or ''}"))
    return problems + [errors.invalid_value(path, "", "needs to be unset") for path, attribute in _OLDER.items() if _given(obj, attribute)]


def _given(obj: events_v1.Event, attribute: str) -> Any:
    """A value; clients in Go write those that say nothing, too."""
    found = getattr(obj, attribute)
    return None if not found or found in (core_v1.EventSource(), core_v1.ObjectReference()) else found


def always(obj: Any) -> list[FieldError]:
    """What is asked of events of either group."""
    if isinstance(obj, core_v1.Event):
        return _event(obj, obj.involved_object, obj.message, "reportingComponent", obj.reporting_component)
    return _event(obj, obj.regarding, obj.note, "reportingController", obj.reporting_controller)


def update(new: Any, old: Any) -> list[FieldError]:
    if not isinstance(new, events_v1.Event):
        return []
    problems = _series(new.series) if new.series != old.series else []
    for path, attribute in _KEPT.items():
        problems += unchanged(path, _given(new, attribute), _given(old, attribute))
    return problems


def _event(obj: Any, about: core_v1.ObjectReference | None, message: str | None, who: str, reporter: str | None) -> list[FieldError]:
    space, theirs = obj.metadata.namespace or "", (about.namespace if about is not None else None) or ""
    if obj.event_time:
        wrong = not theirs and space not in ("default", "kube-system")
    else:
        wrong = space != theirs if theirs else space not in ("", "default")
    problems = [errors.invalid_value("involvedObject.namespace", theirs, "does not match event.namespace")] if wrong else []
    if obj.event_time:
        problems += needed(who, reporter) + checks.qualified(who, reporter or "")
        for path, text in (("reportingInstance", obj.reporting_instance), ("action", obj.action), ("reason", obj.reason)):
            problems += needed(path, text) + _short(path, text, MAX_TEXT)
        problems += _short("message", message, MAX_MESSAGE)
    return problems + [errors.invalid_value("namespace", space, text) for text in names.is_dns_subdomain(space)]


def _short(path: str, text: str | None, most: int) -> list[FieldError]:
    if len((text or "").encode()) <= most:
        return []
    return [errors.invalid_value(path, "", f"can have at most {most} characters")]


def _series(series: Any) -> list[FieldError]:
    if series is None:
        return []
    problems = [errors.invalid_value("series.count", "", "should be at least 2")] if (series.count or 0) < 2 else []
    return problems + needed("series.lastObservedTime", series.last_observed_time)

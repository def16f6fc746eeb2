"""Events of events.k8s.io, which must say when, who, what and why; the older form in the core group asks for less."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api._generated import events_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.checks import needed, unchanged

# Characters at most.
LENGTHS = {"action": 128, "reason": 128, "reportingInstance": 128, "note": 1024}
# What an update may not change: its series goes on, and its metadata.
_KEPT = {
    "action": "action",
    "eventTime": "event_time",
    "note": "note",
    "reason": "reason",
    "regarding": "regarding",
    "related": "related",
    "reportingController": "reporting_controller",
    "reportingInstance": "reporting_instance",
    "type": "type",
}


def create(obj: events_v1.Event) -> list[FieldError]:
    problems = _namespace(obj)
    problems += needed("eventTime", obj.event_time) + needed("reportingController", obj.reporting_controller)
    if obj.reporting_controller:
        path = "reportingController"
        problems += [errors.invalid_value(path, obj.reporting_controller, m) for m in names.is_qualified_name(obj.reporting_controller)]
    texts = {"reportingInstance": obj.reporting_instance, "action": obj.action, "reason": obj.reason, "note": obj.note}
    for name, text in texts.items():
        problems += needed(name, text) if name != "note" else []
        if len(text or "") > LENGTHS[name]:
            problems.append(errors.invalid_value(name, "", f"can have at most {LENGTHS[name]} characters"))
    if obj.type not in ("Normal", "Warning"):
        problems.append(errors.invalid_value("type", "", f"has invalid value: {obj.type or ''}"))
    return problems + _series(obj.series)


def always(obj: events_v1.Event) -> list[FieldError]:
    """Of updates: an event of the older form may be written through this one."""
    return _series(obj.series) if obj.event_time else []


def update(new: events_v1.Event, old: events_v1.Event) -> list[FieldError]:
    if not old.event_time:
        return []
    problems: list[FieldError] = []
    for path, attribute in _KEPT.items():
        problems += unchanged(path, getattr(new, attribute), getattr(old, attribute))
    return problems


def _namespace(obj: events_v1.Event) -> list[FieldError]:
    about = obj.regarding.namespace if obj.regarding is not None else None
    allowed = ("default", "kube-system") if about is None else (about,)
    if obj.regarding is None or obj.metadata.namespace in allowed:
        return []
    return [errors.invalid_value("involvedObject.namespace", about or "", "does not match event.namespace")]


def _series(series: Any) -> list[FieldError]:
    if series is None:
        return []
    problems = [errors.invalid_value("series.count", "", "should be at least 2")] if (series.count or 0) < 2 else []
    return problems + needed("series.lastObservedTime", series.last_observed_time)

"""Columns and the forms of their cells that many kinds share: ages, selectors, containers, lists that are too long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.meta import parse_time

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"

DESCRIPTIONS = {
    "Name": "Name must be unique within a namespace.",
    "Age": "CreationTimestamp is a timestamp representing the server time when this object was created, in RFC3339 form and UTC.",
    "Created At": "CreationTimestamp is a timestamp representing the server time when this object was created, in RFC3339 form and UTC.",
    "Containers": "Names of each container in the template.",
    "Images": "Images referenced by each container in the template.",
    "Selector": "Which pods belong to the object.",
}


class Printer(NamedTuple):
    """`row` gives as many cells as there are columns: strings, numbers and booleans. `order` is what rows are sorted by, None: as listed."""

    columns: tuple[dict[str, Any], ...]
    row: Callable[[Any, datetime], list[Any]]
    order: Callable[[Any], Any] | None = None


def columns(*specs: str) -> tuple[dict[str, Any], ...]:
    """Column definitions: `Name`, `Name:type` or `Name:type:format`, with a `+` behind for those that only the wide form shows."""
    made = []
    for spec in specs:
        text, wide = spec.removesuffix("+"), spec.endswith("+")
        name, _, behind = text.partition(":")
        kind, given, form = behind.partition(":")
        made.append(
            {
                "name": name,
                "type": kind or "string",
                "format": form if given else "name" if name == "Name" else "",
                "description": DESCRIPTIONS.get(name, f"{name} of the object."),
                "priority": 1 if wide else 0,
            }
        )
    return tuple(made)


# From which number of whole units on a duration is written without its smaller unit: see `duration`.
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def duration(seconds: float) -> str:
    """A duration as kubectl writes it, coarser as it grows: 90s, 5m30s, 42m, 3h10m, 12h, 2d3h, 50d, 3y20d. Clocks may differ by two seconds."""
    if int(seconds) < -1:
        return "<invalid>"
    whole = max(int(seconds), 0)
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 10 * _MINUTE:
        return _two(whole, _MINUTE, "m", 1, "s")
    if whole < 3 * _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < 8 * _HOUR:
        return _two(whole, _HOUR, "h", _MINUTE, "m")
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h"
    if whole < 8 * _DAY:
        return _two(whole, _DAY, "d", _HOUR, "h")
    if whole < 2 * _YEAR:
        return f"{whole // _DAY}d"
    if whole < 8 * _YEAR:
        return _two(whole, _YEAR, "y", _DAY, "d")
    return f"{whole // _YEAR}y"


def _two(seconds: int, unit: int, letter: str, smaller: int, smaller_letter: str) -> str:
    rest = seconds % unit // smaller
    return f"{seconds // unit}{letter}{rest}{smaller_letter}" if rest else f"{seconds // unit}{letter}"


def moment_of(text: str | None) -> datetime | None:
    """A timestamp's moment; None for none, and for a text that is none: one object's must not hide all others."""
    try:
        found = parse_time(text)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def since(text: str | None, now: datetime) -> str:
    """How long ago a timestamp was."""
    moment = moment_of(text)
    return UNKNOWN if moment is None else duration((now - moment).total_seconds())


def age(obj: Any, now: datetime) -> str:
    return since(obj.metadata.creation_timestamp, now)


def joined(values: Iterable[str | None]) -> str:
    return ",".join(value or "" for value in values) or NONE


def some(values: list[str], limit: int = 3) -> str:
    """The first few of a list, and how many more there are; "" of nothing."""
    shown = ",".join(values[:limit])
    return f"{shown} + {len(values) - limit} more..." if len(values) > limit else shown


def pairs(labels: Mapping[str, str] | None) -> str:
    """A map of labels, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector(found: meta_v1.LabelSelector | None) -> str:
    """A LabelSelector as the text that kubectl takes: sorted by key."""
    if found is None:
        return NONE
    parts = [(key, f"{key}={value}") for key, value in (found.match_labels or {}).items()]
    for expression in found.match_expressions or ():
        key, values = expression.key or "", ",".join(sorted(expression.values or ()))
        forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}
        parts.append((key, forms.get(expression.operator or "", key)))
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0])) or NONE


def containers(template: Any) -> tuple[str, str]:
    """(names, images) of a pod template's containers, or of a pod spec's."""
    spec = getattr(template, "spec", template)
    found = (spec.containers or ()) if spec is not None else ()
    return ",".join(c.name or "" for c in found), ",".join(c.image or "" for c in found)


def orphan(value: Any) -> Any:
    """A cell for a value that may be absent."""
    return NONE if value in (None, "") else value


def flag(value: bool | None) -> str:
    return str(bool(value)).lower()

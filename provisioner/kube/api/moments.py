"""Moments in bodies: metav1.Time is RFC 3339 and kept to the second in UTC, metav1.MicroTime has just six digits more.

What is none is told as Go's time package tells it. Source: Time and MicroTime of k8s.io/apimachinery, the layouts of Go's time package.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from provisioner.kube.api._generated.protobuf_fields import FIELDS
from provisioner.kube.api.codec import DecodeError
from provisioner.kube.api.errors import shown
from provisioner.kube.api.meta import rfc3339, rfc3339_micro

_MOMENTS = ("meta_v1.Time", "meta_v1.MicroTime")
_LAYOUTS = {"Time": "2006-01-02T15:04:05Z07:00", "MicroTime": "2006-01-02T15:04:05.000000Z07:00"}
# A layout's parts -> what stands for them.
_PARTS = {
    "2006": re.compile(r"\d{4}"),
    "01": re.compile(r"\d\d"),
    "02": re.compile(r"\d\d"),
    "15": re.compile(r"\d\d"),
    "04": re.compile(r"\d\d"),
    "05": re.compile(r"\d\d"),
    ".000000": re.compile(r"[.,]\d{6}"),
    "Z07:00": re.compile(r"Z|[+-]\d\d:\d\d"),
}
_PART = re.compile("|".join(map(re.escape, _PARTS)) + "|.")
_FRACTION = re.compile(r"[.,]\d+")
# Numbers that there are none of: part -> (name, the least, the most)
_RANGES = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59), "05": ("second", 0, 59)}
_ZERO = datetime(1, 1, 1, tzinfo=UTC)

# What of every kind is known.
_KIND = "1:metadata:m:meta_v1.ObjectMeta"


def settle(struct: Any, document: Any) -> None:
    """Write the moments of a body of this type as they are kept, in place: null where one is Go's zero. Raises codec.DecodeError."""
    _settle(_key(struct), document)


def _settle(key: str, document: Any) -> None:
    if isinstance(document, list):
        for item in document:
            _settle(key, item)
    elif isinstance(document, dict):
        for name, below in _members(key).items():
            value = document.get(name)
            if value is None:
                continue
            if below not in _LAYOUTS:
                _settle(below, value)
            elif isinstance(value, str):
                document[name] = kept(value, below)


@cache
def _key(struct: Any) -> str:
    return f"{struct.__module__.rpartition('.')[2]}.{struct.__name__}"


@cache
def _members(key: str) -> dict[str, str]:
    """The members of a type that are moments or have some below: JSON name -> "Time", "MicroTime" or a type."""
    made: dict[str, str] = {}
    for name, shape, target in _typed(FIELDS.get(key, _KIND)):
        if shape == "n":
            made |= _members(target)
        elif target in _with_moments():
            made[name] = target.removeprefix("meta_v1.") if target in _MOMENTS else target
    return made


def _typed(fields: str) -> Iterator[tuple[str, str, str]]:
    """(JSON name, shape, type) of the fields that have a type of their own."""
    for field in fields.split():
        _, name, shape, *target = field.split(":")
        if target and shape != "M":
            yield name, shape, target[0]


@cache
def _with_moments() -> frozenset[str]:
    """All types that are moments or have some below."""
    found, more = set[str](), set(_MOMENTS)
    while more:
        found |= more
        more = {key for key, fields in FIELDS.items() if key not in found and any(target in found for *_, target in _typed(fields))}
    return frozenset(found)


@lru_cache(maxsize=256)
def kept(text: str, kind: str) -> str | None:
    """A moment of `kind` ("Time" or "MicroTime") as it is kept. Raises codec.DecodeError."""
    if problem := _problem(text, _LAYOUTS[kind]):
        raise DecodeError("", f"parsing time {shown(text)}{problem}")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text  # a year or a zone that Python has not
    if moment == _ZERO:
        return None
    return rfc3339(moment) if kind == "Time" else rfc3339_micro(moment)


def _problem(text: str, layout: str) -> str:
    """What keeps a text from being one, in Go's words; "" for one that is."""
    rest, numbers = text, dict[str, int]()
    for part in _PART.findall(layout):
        match = _PARTS[part].match(rest) if part in _PARTS else re.match(re.escape(part), rest)
        if match is None:
            return f" as {shown(layout)}: cannot parse {shown(rest)} as {shown(part)}"
        rest = rest[match.end() :]
        if part[0] in "012":
            numbers[part] = int(match[0])
        name, least, most = _RANGES.get(part, ("", 0, 0))
        if name and not least <= numbers[part] <= most:
            return f": {name} out of range"
        if part == "05" and ".000000" not in layout and (fraction := _FRACTION.match(rest)):
            rest = rest[fraction.end() :]
    if rest:
        return f": extra text: {shown(rest)}"
    _, days = calendar.monthrange(numbers["2006"], numbers["01"])
    return "" if 1 <= numbers["02"] <= days else ": day out of range"

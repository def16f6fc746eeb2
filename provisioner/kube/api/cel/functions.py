"""The language's own functions: conversions, texts, lists, times, optionals. Those of the Kubernetes API are in `library`.

FUNCTIONS are called by name (`size(x)`, `optional.of(x)`), METHODS on a value (`x.size()`). A TypeError inside becomes "no such overload".
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from provisioner.kube.api import go_regexp
from provisioner.kube.api.cel.values import (
    NOTHING,
    CelError,
    Optional,
    Quantity,
    TypeOf,
    Uint,
    compared,
    equal,
    is_number,
    type_name,
    whole,
)

TYPES: dict[str, TypeOf] = {
    name: TypeOf(name)
    for name in (
        "bool",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "list",
        "map",
        "null_type",
        "type",
        "optional_type",
        "net.IP",
        "net.CIDR",
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
        "kubernetes.Quantity",
        "kubernetes.URL",
    )
}
_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_ASCII_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


class Function:
    """A function with how many arguments it takes."""

    def __init__(self, run: Callable[..., Any], low: int, high: int) -> None:
        self._run, self._low, self._high = run, low, high

    def __call__(self, *args: Any) -> Any:
        return self._run(*args)

    def takes(self, count: int) -> bool:
        return self._low <= count <= self._high


FUNCTIONS: dict[str, Function] = {}
METHODS: dict[str, Callable[..., Any]] = {}


def function(name: str, low: int = 1, high: int | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[name] = Function(run, low, low if high is None else high)
        return run

    return register


def wanted(value: Any, *types: type) -> Any:
    """The value, if it is of one of the types. Raises CelError."""
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise CelError(f"no such overload: {type_name(value)}")
    return value


def pattern(text: str) -> go_regexp.Pattern:
    try:
        return go_regexp.compiled(text)
    except ValueError as error:
        raise CelError(str(error)) from None


# -- conversions -------------------------------------------------------------------------------------------------------


def parse_duration(text: str) -> timedelta:
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    parts = _DURATION.findall(rest)
    if not parts or "".join(a + b for a, b in parts) != rest:
        if text == "0":
            return timedelta()
        raise CelError(f'time: invalid duration "{text}"')
    try:
        return sign * timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))
    except OverflowError:
        raise CelError(f'time: invalid duration "{text}"') from None


def parse_timestamp(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CelError(f'parsing time "{text}": not RFC 3339') from None
    if found.tzinfo is None:
        raise CelError(f'parsing time "{text}": no time zone')
    return found.astimezone(UTC)


def _shortest(value: float) -> str:
    """As Go's %g: the digits that tell it from every other double, with an exponent from 1e-5 down and from 1e+6 on."""
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(value)]
    written = Decimal(repr(value)).normalize()
    exponent = written.adjusted()
    if value and not -5 < exponent < 6:
        return f"{value:.{len(written.as_tuple().digits) - 1}e}"
    return f"{written:f}"


def text_of(value: Any) -> str:
    """string(x)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _shortest(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, Quantity):
        return value.text
    if isinstance(value, list | dict | TypeOf) or value is None:
        raise CelError(f"no such overload: string({type_name(value)})")
    return str(value)


# What Go's strconv reads as numbers: Python's int() and float() take spaces and underscores, too.
_WRITTEN = {
    "Int": re.compile(r"[+-]?[0-9]+"),
    "Uint": re.compile(r"[0-9]+"),
    "Float": re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE),
}


def _read(text: str, kind: str, of: Callable[[str], Any]) -> Any:
    if not _WRITTEN[kind].fullmatch(text):
        raise CelError(f'strconv.Parse{kind}: parsing "{text}": invalid syntax')
    found = of(text)
    if kind == "Float" and math.isinf(found) and "inf" not in text.lower():
        raise CelError(f'strconv.ParseFloat: parsing "{text}": value out of range')
    return found


def _whole(value: float) -> int:
    """Of a double, towards zero; the least whole number is out of reach, as with cel-go."""
    if not -(2.0**63) < value < 2.0**64:
        raise CelError("integer overflow")
    return int(value)


@function("int")
def _int(value: Any) -> int:
    if isinstance(value, datetime):
        return math.floor(value.timestamp())
    if isinstance(value, str):
        return whole(_read(value, "Int", int))
    return whole(_whole(value) if isinstance(value, float) else int(wanted(value, int)))


@function("uint")
def _uint(value: Any) -> Uint:
    if isinstance(value, str):
        number = _read(value, "Uint", int)
    else:
        number = _whole(value) if isinstance(value, float) and value >= 0 else wanted(value, int, float)
    if not 0 <= number < 1 << 64:
        raise CelError("unsigned integer overflow")
    return Uint(number)


@function("double")
def _double(value: Any) -> float:
    return _read(value, "Float", float) if isinstance(value, str) else float(wanted(value, int, float))


@function("bool")
def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "1": True, "t": True, "TRUE": True, "True": True, "false": False, "0": False, "f": False, "FALSE": False}
    if wanted(value, str) not in known:
        raise CelError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    return known[value]


function("string")(text_of)
function("bytes")(lambda value: value if isinstance(value, bytes) else wanted(value, str).encode())
function("timestamp")(lambda value: parse_timestamp(value) if isinstance(value, str) else wanted(value, datetime))
function("duration")(lambda value: parse_duration(value) if isinstance(value, str) else wanted(value, timedelta))
function("type")(lambda value: TypeOf(type_name(value)))
function("dyn")(lambda value: value)


def _size(value: Any) -> int:
    return len(wanted(value, str, bytes, list, dict))


def _matches(value: str, expression: str) -> bool:
    return pattern(expression).search(wanted(value, str)) is not None


function("size")(_size)
function("matches", 2)(_matches)
METHODS["size"], METHODS["matches"] = _size, _matches


def arithmetic(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """+ and - on what is no number: texts, lists, times."""
    kinds = tuple(next((k for k in (str, bytes, list, datetime, timedelta) if isinstance(v, k)), None) for v in (left, right))
    adds = operation(2, 1) == 3
    subtracts = operation(2, 1) == 1 and operation(5, 2) == 3
    allowed = {(str, str), (bytes, bytes), (list, list), (datetime, timedelta), (timedelta, timedelta), (timedelta, datetime)}
    if (adds and kinds in allowed) or (subtracts and kinds in {(datetime, datetime), (datetime, timedelta), (timedelta, timedelta)}):
        return operation(left, right)
    raise CelError(f"no such overload: {type_name(left)}, {type_name(right)}")


# -- texts -------------------------------------------------------------------------------------------------------------


def _sub(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise CelError(f"index out of range: {start if not 0 <= start <= len(text) else stop}")
    return text[start:stop]


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise CelError(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(value: Any, item: Any, start: int = 0) -> int:
    if isinstance(value, str):
        return value.find(item, start)
    return next((i for i, each in enumerate(wanted(value, list)) if equal(each, item)), -1)


def _last_index_of(value: Any, item: Any, end: int | None = None) -> int:
    if isinstance(value, str):
        return value.rfind(item, 0, None if end is None else end + len(item))
    return next((i for i in range(len(wanted(value, list)) - 1, -1, -1) if equal(value[i], item)), -1)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        return list(text) if limit < 0 or limit >= len(text) else [*text[: limit - 1], text[limit - 1 :]]
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    return wanted(text, str).replace(old, new, limit)  # type: ignore[no-any-return]


def _shown(value: Any, code: str, digits: str) -> str:
    if code == "s":
        if isinstance(value, list):
            return "[" + ", ".join(_shown(v, "s", "") for v in value) + "]"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{_shown(k, 's', '')}: {_shown(v, 's', '')}" for k, v in sorted(value.items(), key=str)) + "}"
        return "null" if value is None else value.name if isinstance(value, TypeOf) else text_of(value)
    if not is_number(value) and not (code in "xX" and isinstance(value, str | bytes)) and not (code == "b" and isinstance(value, bool)):
        raise CelError(f"error during formatting: no such overload for %{code}: {type_name(value)}")
    if code in ("d",):
        return str(value)
    if code in ("f", "e"):
        return f"{value:.{digits or '6'}{code}}"
    if isinstance(value, str | bytes):
        found = (value.encode() if isinstance(value, str) else value).hex()
        return found.upper() if code == "X" else found
    return f"{int(value):{code}}"


def _format(text: str, values: list[Any]) -> str:
    rest = iter(values)

    def put(match: re.Match[str]) -> str:
        if match.group(2) == "%":
            return "%"
        try:
            return _shown(next(rest), match.group(2), match.group(1) or "")
        except StopIteration:
            raise CelError("index out of range: not enough arguments for the format") from None

    return re.sub(r"%(?:\.(\d+))?([sdfebxXo%])", put, text)


METHODS |= {
    "contains": lambda text, part: wanted(part, str) in wanted(text, str),
    "startsWith": lambda text, part: wanted(text, str).startswith(wanted(part, str)),
    "endsWith": lambda text, part: wanted(text, str).endswith(wanted(part, str)),
    "lowerAscii": lambda text: text.translate(_ASCII_LOWER),
    "upperAscii": lambda text: text.translate(_ASCII_UPPER),
    "trim": lambda text: text.strip(),
    "charAt": _char_at,
    "substring": _sub,
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "split": _split,
    "replace": _replace,
    "join": lambda items, separator="": separator.join(wanted(i, str) for i in items),
    "format": _format,
    "reverse": lambda value: value[::-1],
    "find": lambda text, expression: (lambda m: m.group() if m else "")(pattern(expression).search(text)),
    "findAll": lambda text, expression, limit=-1: [m.group() for m in pattern(expression).finditer(text)][: None if limit < 0 else limit],
}
FUNCTIONS["strings.quote"] = Function(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"', 1, 1)


# -- lists -------------------------------------------------------------------------------------------------------------


def _extreme(sign: int, name: str) -> Callable[[list[Any]], Any]:
    def run(items: list[Any]) -> Any:
        if not items:
            raise CelError(f"{name} called on empty list")
        best = items[0]
        for item in items[1:]:
            if compared(item, best) == sign:
                best = item
        return best

    return run


def _sum(items: list[Any]) -> Any:
    if items and isinstance(items[0], timedelta):
        return sum(items, timedelta())
    found = sum(wanted(item, int, float) for item in items)
    return found if isinstance(found, float) else whole(found)


def _distinct(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if not any(equal(item, each) for each in found):
            found.append(item)
    return found


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    found: list[Any] = []
    for item in items:
        found += _flatten(item, depth - 1) if isinstance(item, list) and depth > 0 else [item]
    return found


METHODS |= {
    "isSorted": lambda items: all(compared(a, b) <= 0 for a, b in itertools.pairwise(items)),
    "sum": _sum,
    "min": _extreme(-1, "min"),
    "max": _extreme(1, "max"),
    "distinct": _distinct,
    "flatten": _flatten,
    "slice": lambda items, start, end: wanted(items, list)[start:end],
    "sort": lambda items: sorted(items),
}


def _within(items: list[Any], others: list[Any]) -> bool:
    return all(any(equal(item, other) for other in others) for item in items)


FUNCTIONS |= {
    "sets.contains": Function(lambda items, others: _within(others, items), 2, 2),
    "sets.equivalent": Function(lambda items, others: _within(others, items) and _within(items, others), 2, 2),
    "sets.intersects": Function(lambda items, others: any(any(equal(i, o) for o in others) for i in items), 2, 2),
    "math.greatest": Function(lambda *v: _extreme(1, "max")(v[0] if isinstance(v[0], list) else list(v)), 1, 16),
    "math.least": Function(lambda *v: _extreme(-1, "min")(v[0] if isinstance(v[0], list) else list(v)), 1, 16),
    "math.abs": Function(abs, 1, 1),
    "math.ceil": Function(lambda v: float(math.ceil(v)), 1, 1),
    "math.floor": Function(lambda v: float(math.floor(v)), 1, 1),
    "math.round": Function(lambda v: float(math.floor(abs(v) + 0.5)) * (1 if v >= 0 else -1), 1, 1),
    "math.sign": Function(lambda v: (v > 0) - (v < 0), 1, 1),
}


# -- times -------------------------------------------------------------------------------------------------------------


def _local(moment: datetime, zone: str) -> datetime:
    try:
        return moment.astimezone(ZoneInfo(zone)) if zone else moment
    except (ZoneInfoNotFoundError, ValueError):
        offset = re.fullmatch(r"([+-]?)(\d\d):(\d\d)", zone)
        if offset is None:
            raise CelError(f"unknown time zone {zone}") from None
        shift = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return moment + (-shift if offset[1] == "-" else shift)


def _part(of_moment: Callable[[datetime], int], of_span: Callable[[timedelta], int] | None = None) -> Callable[..., int]:
    def run(value: Any, zone: str = "") -> int:
        if isinstance(value, timedelta) and of_span is not None:
            return of_span(value)
        return of_moment(_local(wanted(value, datetime), zone))

    return run


METHODS |= {
    "getFullYear": _part(lambda m: m.year),
    "getMonth": _part(lambda m: m.month - 1),
    "getDate": _part(lambda m: m.day),
    "getDayOfMonth": _part(lambda m: m.day - 1),
    "getDayOfWeek": _part(lambda m: m.isoweekday() % 7),
    "getDayOfYear": _part(lambda m: m.timetuple().tm_yday - 1),
    "getHours": _part(lambda m: m.hour, lambda s: int(s.total_seconds() / 3600)),
    "getMinutes": _part(lambda m: m.minute, lambda s: int(s.total_seconds() / 60)),
    "getSeconds": _part(lambda m: m.second, lambda s: int(s.total_seconds())),
    "getMilliseconds": _part(lambda m: m.microsecond // 1000, lambda s: int(s.total_seconds() * 1000)),
}


# -- optionals ---------------------------------------------------------------------------------------------------------


def _value(value: Optional) -> Any:
    if wanted(value, Optional).none:
        raise CelError("optional.none() dereference")
    return value.value


FUNCTIONS |= {
    "optional.of": Function(Optional, 1, 1),
    "optional.none": Function(lambda: NOTHING, 0, 0),
    "optional.ofNonZeroValue": Function(lambda value: Optional(value) if value or isinstance(value, Quantity) else NOTHING, 1, 1),
}
METHODS |= {
    "hasValue": lambda value: not wanted(value, Optional).none,
    "value": _value,
    "orValue": lambda value, other: other if wanted(value, Optional).none else value.value,
    "or": lambda value, other: other if wanted(value, Optional).none else value,
}

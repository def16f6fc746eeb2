"""Small filters of community.general that roles lean on: dictionaries by key, lists as sets, versions, times, CSV and INI."""

from __future__ import annotations

import configparser
import csv
import io
import itertools
import random
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from provisioner.templating.errors import PluginError
from provisioner.templating.filters.data import combine

# Milliseconds in each unit; a year has 365 days and a month 30 unless told.
_DAY_MS = 24 * 60 * 60 * 1000
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": _DAY_MS, "w": 7 * _DAY_MS, "mo": 30 * _DAY_MS, "y": 365 * _DAY_MS}
_LONG = {"millisecond": "ms", "msec": "ms", "msecond": "ms", "sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "day": "d",
         "week": "w", "month": "mo", "year": "y"}  # fmt: skip
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "equal": lambda key, target: key == target,
    "starts_with": lambda key, target: key.startswith(target),
    "ends_with": lambda key, target: key.endswith(target),
    "regex": lambda key, target: re.match(target, key) is not None,
}


def _chosen(data: Any, target: Any, matching: str) -> Callable[[str, str], bool]:
    """The comparison, once everything it needs is there."""
    if isinstance(data, str) or not isinstance(data, Sequence):
        raise PluginError(f"First argument must be a list. {data} is {type(data)}")
    for item in data:
        if not isinstance(item, Mapping):
            raise PluginError(f"The data items must be dictionaries. {item} is {type(item)}")
    if matching not in _MATCHES:
        raise PluginError(f"The matching_parameter must be one of {list(_MATCHES)}. matching_parameter={matching}")
    if not target:
        raise PluginError("The target can't be empty.")
    return _MATCHES[matching]


def _keys(keep: bool) -> Callable[..., list[dict[str, Any]]]:
    def run(data: Any, target: Any = None, matching_parameter: str = "equal") -> list[dict[str, Any]]:
        matches = _chosen(data, target, matching_parameter)
        targets = [target] if isinstance(target, str) else target
        return [{key: v for key, v in item.items() if any(matches(key, t) for t in targets) is keep} for item in data]

    return run


def replace_keys(data: Any, target: Any = None, matching_parameter: str = "equal") -> list[dict[str, Any]]:
    matches = _chosen(data, target, matching_parameter)
    if any(not isinstance(pair, Mapping) or not {"before", "after"} <= set(pair) for pair in target):
        raise PluginError("All dictionaries in target must include attributes: after, before.")

    def renamed(key: str) -> str:
        return next((pair["after"] for pair in target if matches(key, pair["before"])), key)

    return [{renamed(key): value for key, value in item.items()} for item in data]


def groupby_as_dict(sequence: Any, attribute: str) -> dict[Any, Any]:
    """The items by the value of an attribute. Raises PluginError when two have the same."""
    made: dict[Any, Any] = {}
    for number, item in enumerate(sequence):
        if not isinstance(item, Mapping):
            raise PluginError(f"Sequence element #{number} is not a mapping")
        if attribute not in item:
            raise PluginError(f"Attribute not contained in element #{number} of sequence")
        if item[attribute] in made:
            raise PluginError(f"Multiple sequence entries have attribute value {item[attribute]!r}")
        made[item[attribute]] = item
    return made


def lists_mergeby(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> list[Any]:
    """Lists of dictionaries merged by the value of a key, later ones first in rank, ordered by it."""
    if len(terms) < 2:
        raise PluginError("At least one list and index are needed.")
    *given, index = terms
    for one in given:
        if isinstance(one, str) or not isinstance(one, Sequence):
            raise PluginError(
                f"All arguments before the argument index for community.general.lists_mergeby must be lists. {one} is {type(one)}"
            )
    lists = _spread(given)
    if len(lists) < 2:
        return list(lists[0]) if lists else []
    if not isinstance(index, str):
        raise PluginError(f"First argument after the lists for community.general.lists_mergeby must be string. {index} is {type(index)}")
    merged: dict[Any, dict[str, Any]] = {}
    for item in itertools.chain.from_iterable(lists):
        if not isinstance(item, Mapping):
            raise PluginError(f"Elements of list arguments for lists_mergeby must be dictionaries. {item} is {type(item)}")
        if index in item:
            merged[item[index]] = combine(merged.get(item[index], {}), item, recursive=recursive, list_merge=list_merge)
    return [merged[key] for key in sorted(merged)]


def _spread(given: Sequence[Any]) -> list[Any]:
    """Lists of lists as the lists that are in them."""
    made: list[Any] = []
    for one in given:
        if one:
            made.extend(one if all(isinstance(item, list | tuple) for item in one) else [one])
    return made


def _distinct(items: Sequence[Any]) -> list[Any]:
    made: list[Any] = []
    for item in items:
        if item not in made:
            made.append(item)
    return made


def _as_sets(join: Callable[[list[Any], list[Any]], list[Any]]) -> Callable[..., list[Any]]:
    def run(*lists: Any, flatten: bool = False) -> list[Any]:
        given = _spread(lists) if flatten else list(lists)
        if len(given) < 2:
            return list(given[0]) if given else []
        made = _distinct(given[0])
        for other in given[1:]:
            made = join(made, list(other))
        return _distinct(made)

    return run


def to_time_unit(human_time: str, unit: str = "ms", year: int | None = None, month: int | None = None) -> float:
    """A length as `1h 30m` says it, in a unit. `year` and `month` are their lengths in days."""
    units = {**_UNITS, **({"y": year * _DAY_MS} if year else {}), **({"mo": month * _DAY_MS} if month else {})}
    chosen = _LONG.get(unit.rstrip("s"), unit)
    if chosen not in units:
        raise PluginError(
            f"to_time_unit() can not convert to the following unit: {unit}. Available units: {', '.join(_LONG)}, {', '.join(units)}"
        )
    if human_time == "0":
        return 0
    total = 0
    for part in human_time.split():
        found = re.match(r"(-?\d+)(\w+)", part)
        name = found and _LONG.get(found[2].rstrip("s"), found[2])
        if not found or name not in units:
            raise PluginError(f"to_time_unit() can not interpret following string: {human_time}")
        total += int(found[1]) * units[str(name)]
    return round(total / units[chosen], 12)


def _in_unit(unit: str) -> Callable[..., float]:
    return lambda value, **lengths: to_time_unit(value, unit, **lengths)


def version_sort(value: Sequence[Any], reverse: bool = False) -> list[Any]:
    def key(item: Any) -> list[tuple[int, Any]]:
        parts = [part for part in re.split(r"(\d+|[a-z]+|\.)", str(item)) if part and part != "."]
        return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]

    return sorted(value, key=key, reverse=reverse)


def random_mac(value: Any, seed: Any = None) -> str:
    """A prefix completed to six bytes; the same ones for a seed."""
    if not isinstance(value, str):
        raise PluginError(f"Invalid value type ({type(value)}) for random_mac ({value})")
    given = value.lower().split(":")
    if len(given) > 5:
        raise PluginError(f"Invalid value ({value.lower()}) for random_mac: 5 colon(:) separated items max")
    wrong = ["empty item" if not item else f"{item} not hexa byte" for item in given if not re.match("[a-f0-9]{2}", item)]
    if wrong:
        raise PluginError(f"Invalid value ({value.lower()}) for random_mac: {','.join(wrong)}")
    source = random.SystemRandom() if seed is None else random.Random(seed)
    digits = f"{source.randint(1 << 36, (1 << 40) - 1):x}"[: 2 * (6 - len(given))]
    return value.lower() + re.sub("(..)", r":\1", digits)


def from_csv(data: str, dialect: str = "excel", fieldnames: Sequence[str] | None = None, **options: Any) -> list[dict[str, Any]]:
    if dialect not in csv.list_dialects():
        raise PluginError(f"Dialect '{dialect}' is not supported by your version of python.")
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return [dict(row) for row in csv.DictReader(io.StringIO(data), fieldnames=fieldnames, dialect=dialect, **given)]
    except (csv.Error, TypeError) as e:
        raise PluginError(f"Unable to process file: {e}") from e


class _Ini(configparser.ConfigParser):
    def __init__(self) -> None:
        super().__init__(interpolation=None)

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def from_ini(value: Any) -> dict[str, Any]:
    if not isinstance(value, str):
        raise PluginError(f"from_ini requires a str, got {type(value)}")
    parser = _Ini()
    try:
        parser.read_string(value)
    except configparser.Error as e:
        raise PluginError(f"from_ini failed to parse given string: {e}") from e
    made: dict[str, Any] = {name: dict(parser.items(name)) for name in parser.sections()}
    return {**made, "DEFAULT": dict(parser.defaults())} if parser.defaults() else made


def to_ini(value: Any) -> str:
    if not isinstance(value, Mapping):
        raise PluginError(f"to_ini requires a dict, got {type(value)}")
    if not value:
        raise PluginError("to_ini received an empty dict. An empty dict cannot be converted.")
    parser, written = _Ini(), io.StringIO()
    try:
        parser.read_dict(value)
    except (configparser.Error, AttributeError) as e:
        raise PluginError(f"to_ini failed to parse given dict:{e}") from e
    parser.write(written)
    return written.getvalue()[:-1]


def counter(sequence: Any) -> dict[Any, int]:
    if not isinstance(sequence, Sequence):
        raise PluginError(f"Argument for community.general.counter must be a sequence (string or list). {sequence} is {type(sequence)}")
    try:
        return dict(Counter(sequence))
    except TypeError as e:
        raise PluginError(f"community.general.counter needs a sequence with hashable elements (int, float or str) - {e}") from e


FILTERS: dict[str, Callable[..., Any]] = {
    "accumulate": lambda sequence: list(itertools.accumulate(sequence)),
    "counter": counter,
    "crc32": lambda value: f"{zlib.crc32(value.encode()):x}",
    "dict_kv": lambda value, key: {key: value},
    "from_csv": from_csv,
    "from_ini": from_ini,
    "to_ini": to_ini,
    "groupby_as_dict": groupby_as_dict,
    "keep_keys": _keys(True),
    "remove_keys": _keys(False),
    "replace_keys": replace_keys,
    "lists_mergeby": lists_mergeby,
    "lists_union": _as_sets(lambda a, b: a + b),
    "lists_intersect": _as_sets(lambda a, b: [item for item in a if item in b]),
    "lists_difference": _as_sets(lambda a, b: [item for item in a if item not in b]),
    "lists_symmetric_difference": _as_sets(lambda a, b: [item for item in a + b if (item in a) != (item in b)]),
    "random_mac": random_mac,
    "to_time_unit": to_time_unit,
    "to_milliseconds": _in_unit("ms"),
    "to_seconds": _in_unit("s"),
    "to_minutes": _in_unit("m"),
    "to_hours": _in_unit("h"),
    "to_days": _in_unit("d"),
    "to_weeks": _in_unit("w"),
    "to_months": _in_unit("mo"),
    "to_years": _in_unit("y"),
    "unicode_normalize": lambda data, form="NFC": unicodedata.normalize(form, data),
    "version_sort": version_sort,
}

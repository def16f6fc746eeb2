"""Filters on lists as sets, and on numbers."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import pass_environment
from jinja2.filters import do_max, do_min, do_unique

from provisioner.templating.errors import PluginError

_UNITS = {"Y": 80, "Z": 70, "E": 60, "P": 50, "T": 40, "G": 30, "M": 20, "K": 10, "B": 0}
_PREFIXES = {
    "K": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "E": "exa", "Z": "zeta", "Y": "yotta",
}  # fmt: skip


@pass_environment
def unique(environment: Any, value: Any, case_sensitive: bool | None = None, attribute: Any = None) -> list[Any]:
    try:
        return list(do_unique(environment, value, case_sensitive=bool(case_sensitive), attribute=attribute))
    except TypeError:  # items that cannot be hashed
        if attribute is not None or case_sensitive is False:
            raise
        return _distinct(value)


def _distinct(value: Iterable[Any]) -> list[Any]:
    """In order of appearance; numbers as a set of Python has them, which is what Ansible shows."""
    try:
        found = list(dict.fromkeys(value))
    except TypeError:
        result: list[Any] = []
        for item in value:
            if item not in result:
                result.append(item)
        return result
    return list(set(found)) if all(type(item) is int for item in found) else found


def union(a: Any, b: Any) -> list[Any]:
    return _distinct([*a, *b] if isinstance(a, str | Mapping) or isinstance(b, str | Mapping) else a + b)


def _items(value: Any) -> Any:
    """A text is the set of its letters."""
    return list(value) if isinstance(value, str) else value


def intersect(a: Any, b: Any) -> list[Any]:
    return _distinct([item for item in a if item in _items(b)])


def difference(a: Any, b: Any) -> list[Any]:
    return _distinct([item for item in a if item not in _items(b)])


def symmetric_difference(a: Any, b: Any) -> list[Any]:
    both = intersect(a, b)
    return _distinct([item for item in union(a, b) if item not in both])


@pass_environment
def smallest(environment: Any, value: Any, **options: Any) -> Any:
    return do_min(environment, value, **options)


@pass_environment
def largest(environment: Any, value: Any, **options: Any) -> Any:
    return do_max(environment, value, **options)


def power(x: float, y: float) -> float:
    try:
        return math.pow(x, y)
    except TypeError as e:
        raise PluginError(f"pow() can only be used on numbers: {e}") from e


def logarithm(value: float, base: float = math.e) -> float:
    try:
        return _logarithm(value, base)
    except TypeError as e:
        raise PluginError(f"log() can only be used on numbers: {e}") from e


def _logarithm(value: float, base: float) -> float:
    return math.log10(value) if base == 10 else math.log(value, base) if base != math.e else math.log(value)


def root(value: float, base: int = 2) -> float:
    try:
        return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base))
    except TypeError as e:
        raise PluginError(f"root() can only be used on numbers: {e}") from e


def human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    if not isinstance(size, int | float):
        operation = f"'>=' not supported between instances of '{type(size).__name__}' and 'int'"
        if unit is not None:
            operation = f"unsupported operand type(s) for /: '{type(size).__name__}' and 'int'"
        raise PluginError(f"human_readable() failed on bad input: {operation}")
    amount = float(size)
    suffix = "B"
    for suffix, power in _UNITS.items():
        if (unit is None and amount >= 2**power) or (unit and unit.upper() == suffix):
            break
    if _UNITS[suffix]:
        amount /= 2 ** _UNITS[suffix]
    base = "bits" if isbits else "Bytes"
    letter = (suffix + base[0]) if suffix != "B" else base
    return f"{amount:.2f} {letter}"


def human_to_bytes(value: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    found = re.match(r"([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*$", str(value))
    if found is None:
        raise PluginError(f"human_to_bytes() can't interpret the input: human_to_bytes() can't interpret following string: {value}")
    unit = found.group(2) or default_unit
    if unit is None:
        return round(float(found.group(1)))
    letter = unit[0].upper()
    mark, word = ("b", "bit") if isbits else ("B", "byte")
    if letter not in _UNITS:
        reason = f"(unit = {unit}). The suffix must be one of {', '.join(_UNITS)}"
        raise PluginError(f"human_to_bytes() can't interpret the input: human_to_bytes() failed to convert {value} {reason}")
    exact, long = (mark, word) if letter == "B" else (letter + mark, _PREFIXES[letter] + word)
    if len(unit) > 1 and unit != exact and unit.lower() != long:
        wanted = f"{mark} or {word}" if letter == "B" else f"{exact} or {letter}"
        reason = f"human_to_bytes() failed to convert {value}. Value is not a valid string (expect {wanted})"
        raise PluginError(f"human_to_bytes() can't interpret the input: {reason}")
    return round(float(found.group(1)) * float(1 << _UNITS[letter]))


def random_item(end: Any, start: int | None = None, step: int | None = None, seed: Any = None) -> Any:
    generator = random.Random(seed) if seed is not None else random.SystemRandom()
    if isinstance(end, int):
        return generator.randrange(start or 0, end, step or 1)
    if start is not None or step is not None:
        raise PluginError("start and step can only be used with integer values")
    if not hasattr(end, "__iter__"):
        raise PluginError("random can only be used on sequences and integers")
    return generator.choice(end)


def shuffle(value: Any, seed: Any = None) -> Any:
    """What cannot be gone through stays as it is."""
    try:
        items = list(value)
    except TypeError:
        return value
    (random.Random(seed) if seed is not None else random.SystemRandom()).shuffle(items)
    return items


FILTERS: dict[str, Callable[..., Any]] = {
    "unique": unique,
    "union": union,
    "intersect": intersect,
    "difference": difference,
    "symmetric_difference": symmetric_difference,
    "min": smallest,
    "max": largest,
    "log": logarithm,
    "pow": power,
    "root": root,
    "human_readable": human_readable,
    "human_to_bytes": human_to_bytes,
    "random": random_item,
    "shuffle": shuffle,
}

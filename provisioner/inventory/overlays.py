"""How a level of variables is laid over those below it: by replacing, or by merging mappings (`hash_behaviour = merge`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.templating.values import Resolved, final


def overlay(merged: dict[str, Any], more: Mapping[str, Any], *, deep: bool = False) -> None:
    """Changes `merged`; what it holds stays untouched inside."""
    if not deep:
        merged.update(more)
        return
    for key, value in more.items():
        low, high = _mapping(merged.get(key)), _mapping(value)
        merged[key] = value if low is None or high is None else merge(low, high)


def _mapping(value: Any) -> Mapping[str, Any] | None:
    """A value that can be merged; what is final stays so inside."""
    if type(value) is Resolved:
        return final(value.value) if isinstance(value.value, Mapping) else None
    return value if isinstance(value, Mapping) else None


def merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping with all keys of both; where both hold mappings, these merged."""
    merged = dict(low)
    overlay(merged, high, deep=True)
    return merged

"""How a level of variables is laid over those below it: by replacing, or by merging mappings (`hash_behaviour = merge`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def overlay(merged: dict[str, Any], more: Mapping[str, Any], *, deep: bool = False) -> None:
    """Changes `merged`; what it holds stays untouched inside."""
    if not deep:
        merged.update(more)
        return
    for key, value in more.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value


def merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping with all keys of both; where both hold mappings, these merged."""
    merged = dict(low)
    overlay(merged, high, deep=True)
    return merged

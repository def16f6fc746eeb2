"""JSON whose keys are in order, also where a mapping's keys are of several types: `{1: a, x: b}` is a value that any template can make."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from typing import Any


def sorted_json(value: Any, **options: Any) -> str:
    """As `json.dumps` with `sort_keys`; keys that cannot be compared are sorted as the texts that JSON makes of them."""
    try:
        return json.dumps(value, sort_keys=True, **options)
    except TypeError as e:
        if "not supported between" not in str(e):
            raise
        return json.dumps(_with_texts(value), sort_keys=True, **options)


def _with_texts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _with_texts(item) for key, item in value.items()}
    return [_with_texts(item) for item in value] if isinstance(value, list | tuple) else value


def _key(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key) if key is None or isinstance(key, int | float) else str(key)


def told(value: Any) -> str:
    """`default` of `json.dumps` for what is shown to people: moments as ISO 8601 has them, bytes as the text they are, everything else as its text."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.isoformat() if isinstance(value, date | time) else str(value)

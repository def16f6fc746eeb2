"""Cells of the columns that definitions give custom resources (additionalPrinterColumns): the first value at a path, as far as it is of the column's
type. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from provisioner.kube.api.cel.functions import text_of
from provisioner.kube.api.meta import parse_time
from provisioner.kube.api.tables.columns import UNKNOWN, duration
from provisioner.kube.apiserver.custom import json_paths

INVALID = "<invalid>"


def cell(document: Mapping[str, Any], column: Mapping[str, Any], now: datetime) -> Any:
    """Of an object and a column; None where there is nothing, or something of another type."""
    try:
        found = json_paths.find(document, column["jsonPath"])
    except json_paths.PathError:
        return None
    return _of_type(column["type"], found[0], now) if found else None


def _of_type(type_: str, value: Any, now: datetime) -> Any:
    if type_ == "string":
        return _text(value)
    if type_ == "date" and isinstance(value, str):
        return _age(value, now)
    if isinstance(value, bool):
        return value if type_ == "boolean" else None
    if isinstance(value, int | float) and type_ in ("integer", "number"):
        return int(value) if type_ == "integer" else value
    return None


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return msgspec.json.encode(value, order="sorted").decode()
    return "<no value>" if value is None else text_of(value)


def _age(text: str, now: datetime) -> str:
    try:
        moment = parse_time("" if text == "null" else text)
        return UNKNOWN if moment is None else duration((now - moment).total_seconds())
    except (ValueError, TypeError):
        # Neither what is no time, nor one that doesn't say its zone.
        return INVALID

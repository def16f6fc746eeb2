"""Filters on dates."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from provisioner.templating.errors import PluginError


def strftime(format: str, second: Any = None, utc: bool = False) -> str:
    if second is not None:
        try:
            second = float(second)
        except (TypeError, ValueError) as e:
            raise PluginError(f"Invalid value for epoch value ({second})") from e
    return time.strftime(format, time.gmtime(second) if utc else time.localtime(second))


def to_datetime(value: str, format: str = "%Y-%m-%d %H:%M:%S") -> datetime:
    try:
        return datetime.strptime(value, format)  # noqa: DTZ007 - Ansible's result is naive, and differences of two are what it is for
    except ValueError as e:
        raise PluginError(str(e)) from e


FILTERS: dict[str, Callable[..., Any]] = {"strftime": strftime, "to_datetime": to_datetime}

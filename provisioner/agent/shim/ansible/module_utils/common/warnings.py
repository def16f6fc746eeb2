"""Warnings that a module gives from anywhere; they come with its result."""

from typing import Any, Dict, List, Tuple

_warnings: List[str] = []
_deprecations: List[Dict[str, Any]] = []


def warn(warning: str, **_: Any) -> None:
    if warning not in _warnings:
        _warnings.append(warning)


def deprecate(msg: str, version: Any = None, date: Any = None, collection_name: Any = None, **_: Any) -> None:
    _deprecations.append({"msg": msg, "version": version, "date": date, "collection_name": collection_name})


def get_warning_messages() -> Tuple[str, ...]:
    return tuple(_warnings)


def get_deprecation_messages() -> Tuple[Dict[str, Any], ...]:
    return tuple(_deprecations)


get_warnings = get_warning_messages
get_deprecations = get_deprecation_messages

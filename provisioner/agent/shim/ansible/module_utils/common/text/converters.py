"""Text and bytes, as people's own modules convert them."""

import json
from typing import Any


def to_bytes(value: Any, encoding: str = "utf-8", errors: Any = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        if nonstring == "passthru":
            return value
        value = str(value)
    return value.encode(encoding or "utf-8", _handler(errors))


def to_text(value: Any, encoding: str = "utf-8", errors: Any = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(encoding or "utf-8", _handler(errors))
    return value if nonstring == "passthru" else str(value)


def _handler(errors: Any) -> str:
    return "surrogateescape" if errors in (None, "surrogate_or_strict", "surrogate_or_replace", "surrogate_then_replace") else str(errors)


to_native = to_text


def jsonify(data: Any, **options: Any) -> str:
    return json.dumps(data, default=_plain, **options)


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return list(value)
    return to_text(value)


def container_to_text(value: Any, encoding: str = "utf-8", errors: Any = None) -> Any:
    if isinstance(value, dict):
        return {container_to_text(key): container_to_text(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(container_to_text(item) for item in value)
    return to_text(value, encoding, errors) if isinstance(value, bytes) else value


def container_to_bytes(value: Any, encoding: str = "utf-8", errors: Any = None) -> Any:
    if isinstance(value, dict):
        return {container_to_bytes(key): container_to_bytes(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(container_to_bytes(item) for item in value)
    return to_bytes(value, encoding, errors) if isinstance(value, str) else value

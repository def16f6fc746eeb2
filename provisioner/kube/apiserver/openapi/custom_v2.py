"""Custom resources' schemas as Swagger 2.0 can say them: readers of it know nothing of null, of alternatives, or of fields that are kept although
nobody has declared them, and would refuse objects that the server takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ALTERNATIVES = frozenset(("allOf", "anyOf", "oneOf", "not"))
_KEEPS, _GVK = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-group-version-kind"


def whole(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a kind; one that keeps unknown fields says of them nothing at all."""
    return {"type": "object", _GVK: schema[_GVK]} if schema.get(_KEEPS) else part(schema)


def part(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema inside a definition."""
    found = {key: value for key, value in schema.items() if key not in _ALTERNATIVES}
    if found.pop("nullable", False):
        # Without a type, kubectl lets anything be; then it can't bear items or properties.
        for key in ("type", "items", "properties"):
            found.pop(key, None)
    if found.get(_KEEPS):
        found.pop("items", None)
        found.pop("properties", None)
    if found.get("type") == "array" and "items" not in found:
        del found["type"]
    properties, more = found.get("properties"), found.get("additionalProperties")
    if found.get("required"):
        nullable = {name for name, child in (properties or {}).items() if child.get("nullable")}
        required = [] if isinstance(more, dict) and more.get("nullable") else [name for name in found["required"] if name not in nullable]
        found["required"] = required
        if not required:
            del found["required"]
    if properties:
        found["properties"] = {name: part(child) for name, child in properties.items()}
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), dict):
            found[key] = part(found[key])
    return found

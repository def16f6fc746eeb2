"""x-kubernetes-embedded-resource: what a whole object inside a custom one must say of itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.kube.api import codec, errors, names
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation import metadata as rules

Schema = Mapping[str, Any]


def has_any(schema: Schema) -> bool:
    """Whether there is one anywhere in a schema."""
    below = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return bool(schema.get("x-kubernetes-embedded-resource")) or any(has_any(child) for child in below if isinstance(child, dict))


def problems(value: Any, schema: Schema, path: str = "") -> list[FieldError]:
    """What is wrong with the objects in a value; what has another type is the schema's affair."""
    found = list(_own(value, path)) if schema.get("x-kubernetes-embedded-resource") and isinstance(value, dict) else []
    if isinstance(value, dict):
        properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
        for key, item in value.items():
            child = properties.get(key, more)
            if isinstance(child, dict):
                found += problems(item, child, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            found += problems(item, schema["items"], f"{path}[{index}]")
    return found


def _own(value: dict[str, Any], path: str) -> Iterator[FieldError]:
    for name in ("apiVersion", "kind"):
        given = value.get(name)
        if name not in value:
            yield errors.required(f"{path}.{name}", "must not be empty")
        elif not isinstance(given, str):
            yield errors.invalid_value(f"{path}.{name}", given, "must be a string")
        elif not given:
            yield errors.invalid_value(f"{path}.{name}", given, "must not be empty")
        elif name == "apiVersion" and given.count("/") > 1:
            yield errors.invalid_value(f"{path}.{name}", given, f"unexpected GroupVersion string: {given}")
        elif name == "kind":
            yield from (errors.invalid_value(f"{path}.{name}", given, message) for message in names.is_dns1035_label(given.lower()))
    if "metadata" in value:
        yield from _metadata(value["metadata"], f"{path}.metadata")


def _metadata(given: Any, path: str) -> Iterator[FieldError]:
    """It needs no name; the names and labels that it has must be right."""
    if not isinstance(given, dict):
        yield errors.invalid_value(path, given, "must be an object")
        return
    try:
        found = codec.decode_dict(meta_v1.ObjectMeta, given)
    except codec.DecodeError as error:
        yield errors.invalid_value(path, given, error.message)
        return
    for message in names.is_path_segment(found.name) if found.name else ():
        yield errors.invalid_value(f"{path}.name", found.name, message)
    yield from rules.labels(found.labels, f"{path}.labels")

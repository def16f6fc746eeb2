"""ConfigMaps and Secrets: keys, size, and those that are declared immutable."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import errors, names
from provisioner.kube.api.errors import FieldError

MAX_BYTES = 1024 * 1024


def create(obj: Any) -> list[FieldError]:
    problems, size = [], 0
    binary = getattr(obj, "binary_data", None)
    for field, data in (("data", obj.data), ("binaryData", binary)):
        for key, value in (data or {}).items():
            problems += [errors.invalid_value(f"{field}[{key}]", key, message) for message in names.is_config_key(key)]
            if field == "binaryData" and key in (obj.data or {}):
                problems.append(errors.invalid_value(f"{field}[{key}]", key, "duplicate of key present in data"))
            size += len(value)
    if size > MAX_BYTES * (4 / 3 if type(obj).KIND == "Secret" else 1):
        problems.append(errors.too_long("", MAX_BYTES))
    return problems


def update(new: Any, old: Any) -> list[FieldError]:
    problems = []
    if old.immutable:
        if not new.immutable:
            problems.append(errors.forbidden_field("immutable", "field is immutable when `immutable` is set"))
        for field in ("data", "binary_data"):
            if getattr(new, field, None) != getattr(old, field, None):
                name = "binaryData" if field == "binary_data" else field
                problems.append(errors.forbidden_field(name, "field is immutable when `immutable` is set"))
    if type(new).KIND == "Secret" and new.type != old.type:
        problems.append(errors.invalid_value("type", new.type, "field is immutable"))
    return problems

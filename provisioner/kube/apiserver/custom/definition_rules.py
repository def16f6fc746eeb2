"""What a CustomResourceDefinition says beyond its schemas' structure: defaults that fit, columns, subresources and selectable fields. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.kube.api import codec, errors
from provisioner.kube.api._generated import apiextensions_v1 as v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.validation.schemas import children
from provisioner.kube.apiserver.custom import json_paths, schema

COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MAX_SELECTABLE = 8


def problems(spec: v1.CustomResourceDefinitionSpec) -> list[FieldError]:
    found = []
    for index, version in enumerate(spec.versions or ()):
        path = f"spec.versions[{index}]"
        structure: dict[str, Any] = {}
        if version.schema is not None and version.schema.open_apiv_3_schema is not None:
            structure = codec.to_dict(version.schema.open_apiv_3_schema)
            found += defaults(structure, f"{path}.schema.openAPIV3Schema")
        for number, column in enumerate(version.additional_printer_columns or ()):
            found += _column(column, f"{path}.additionalPrinterColumns[{number}]")
        if version.subresources is not None and version.subresources.scale is not None:
            found += _scale(version.subresources.scale, f"{path}.subresources.scale")
        found += _selectable(version.selectable_fields or [], structure, f"{path}.selectableFields")
        if version.deprecation_warning and not version.deprecated:
            message = "can only be set for deprecated versions"
            found.append(errors.invalid_value(f"{path}.deprecationWarning", version.deprecation_warning, message))
    conversion = spec.conversion
    if conversion is not None and conversion.webhook is not None and not conversion.webhook.conversion_review_versions:
        found.append(errors.required("spec.conversion.conversionReviewVersions"))
    elif conversion is not None and conversion.webhook is not None:
        versions = conversion.webhook.conversion_review_versions or []
        if not {"v1", "v1beta1"} & set(versions):
            message = "must include at least one of v1, v1beta1"
            found.append(errors.invalid_value("spec.conversion.conversionReviewVersions", versions, message))
    return found


def defaults(structure: Mapping[str, Any], path: str) -> list[FieldError]:
    """Defaults that their own schema would refuse or prune."""
    found = []
    for where, part in _parts(structure, path):
        if part.get("default") is None:
            continue
        value = copy.deepcopy(part["default"])
        gone = schema.prune(value, part)
        if gone:
            found.append(errors.invalid_value(f"{where}.default", part["default"], "must not have unspecified fields"))
            continue
        schema.default(value, part)
        found += [
            FieldError(e.reason, f"{where}.default" + (f".{e.field}" if e.field not in ("", "<root>") else ""), e.message)
            for e in schema.validate(value, part)
        ]
    return found


def _parts(structure: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, structure
    for where, child in children(structure, path):
        yield from _parts(child, where)


def _column(column: v1.CustomResourceColumnDefinition, path: str) -> list[FieldError]:
    found = [] if column.name else [errors.required(f"{path}.name")]
    if not column.type:
        found.append(errors.required(f"{path}.type", f"must be one of {','.join(sorted(COLUMN_TYPES))}"))
    elif column.type not in COLUMN_TYPES:
        found.append(errors.invalid_value(f"{path}.type", column.type, f"must be one of {','.join(sorted(COLUMN_TYPES))}"))
    if column.format and column.format not in COLUMN_FORMATS:
        found.append(errors.invalid_value(f"{path}.format", column.format, f"must be one of {','.join(sorted(COLUMN_FORMATS))}"))
    where, given = f"{path}.jsonPath", column.json_path
    if not given:
        found.append(errors.required(where))
    elif not given.startswith("."):
        found.append(errors.invalid_value(where, given, "must be a simple json path starting with ."))
    return found


def _json_path(text: str | None, path: str) -> list[FieldError]:
    if not text:
        return [errors.required(path)]
    try:
        json_paths.steps(text)
    except json_paths.PathError as error:
        return [errors.invalid_value(path, text, f"is an invalid jsonPath: {error}")]
    return []


def _scale(scale: v1.CustomResourceSubresourceScale, path: str) -> list[FieldError]:
    found = []
    for name, text, part, needed in (
        ("specReplicasPath", scale.spec_replicas_path, "spec", True),
        ("statusReplicasPath", scale.status_replicas_path, "status", True),
        ("labelSelectorPath", scale.label_selector_path, "", False),
    ):
        where = f"{path}.{name}"
        if not text:
            found += [errors.required(where)] if needed else []
            continue
        if "[" in text:
            found.append(errors.invalid_value(where, text, "cannot be an array"))
        starts = (f".{part}.",) if part else (".spec.", ".status.")
        if not text.startswith(starts):
            said = f"should be a json path under {starts[0][:-1]}" if part else "should be a json path under either .spec or .status"
            found.append(errors.invalid_value(where, text, said))
    return found


def _selectable(fields: list[v1.SelectableField], structure: Mapping[str, Any], path: str) -> list[FieldError]:
    found = []
    if len(fields) > MAX_SELECTABLE:
        found.append(errors.too_many(path, len(fields), MAX_SELECTABLE))
    seen: set[str] = set()
    for index, field in enumerate(fields):
        text, where = field.json_path or "", f"{path}[{index}].jsonPath"
        wrong = _json_path(text, where)
        if not wrong and text in seen:
            wrong = [errors.duplicate(where, text)]
        seen.add(text)
        if not wrong and text.startswith((".metadata.", ".apiVersion", ".kind")):
            wrong = [errors.invalid_value(where, text, "must not point to fields in metadata")]
        elif not wrong and _leaf(structure, text) not in ("string", "integer", "boolean"):
            wrong = [errors.invalid_value(where, text, "must point to a field of type string, boolean or integer. Enum string fields and "
                                          "strings with formats are allowed.")]  # fmt: skip
        found += wrong
    return found


def _leaf(structure: Mapping[str, Any], path: str) -> str:
    """The type that a simple path ends at, "" for none."""
    part: Mapping[str, Any] = structure
    for kind, name, _ in json_paths.steps(path):
        child = (part.get("properties") or {}).get(name) if kind == "name" else None
        if child is None:
            return ""
        part = child
    return str(part.get("type") or "")

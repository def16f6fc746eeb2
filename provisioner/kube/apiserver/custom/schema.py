"""Structural schemas (apiextensions.k8s.io/v1): prune what they don't know, fill in defaults, refuse what doesn't fit. Pure.

Messages are those of upstream's validator, since people and tests read them.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.go_regexp import compiled
from provisioner.kube.api.merge_rules import RULES, FieldRule
from provisioner.kube.apiserver.custom import formats

Schema = Mapping[str, Any]
# What every object has at its root, and the server knows itself.
ROOT_FIELDS = ("apiVersion", "kind", "metadata")
# What was before, where there was nothing.
NEW = object()
META_FIELDS = frozenset(meta_v1.ObjectMeta.__struct_encode_fields__)
_PYTHON: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def keeps_unknown(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-preserve-unknown-fields"))


def prune(value: Any, schema: Schema, path: str = "", *, root: bool = False) -> list[str]:
    """Remove what the schema has no place for, in place; the paths that went."""
    gone: list[str] = []
    if isinstance(value, list):
        items = schema.get("items")
        for index, item in enumerate(value):
            if isinstance(items, dict):
                gone += prune(item, items, f"{path}[{index}]")
        return gone
    if not isinstance(value, dict):
        return gone
    properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
    embedded = root or bool(schema.get("x-kubernetes-embedded-resource"))
    for key in list(value):
        where = f"{path}.{key}" if path else key
        if embedded and key in ROOT_FIELDS:
            if key == "metadata" and not root:
                gone += _prune_metadata(value[key], where)
            continue
        if key in properties:
            gone += prune(value[key], properties[key], where)
        elif isinstance(more, dict):
            gone += prune(value[key], more, where)
        elif not more and not keeps_unknown(schema):
            del value[key]
            gone.append(where)
    return gone


def _prune_metadata(metadata: Any, path: str) -> list[str]:
    """What an embedded object's metadata can't have."""
    if not isinstance(metadata, dict):
        return []
    gone = [f"{path}.{key}" for key in metadata if key not in META_FIELDS]
    for key in [key for key in metadata if key not in META_FIELDS]:
        del metadata[key]
    return gone


def default(value: Any, schema: Schema) -> None:
    """Fill in the defaults, in place; an explicit null where none is allowed counts as absent."""
    if isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, dict):
            for item in value:
                default(item, items)
        return
    if not isinstance(value, dict):
        return
    for key, child in (schema.get("properties") or {}).items():
        if value.get(key) is None and key in value and not child.get("nullable"):
            del value[key]
        if key not in value and "default" in child:
            value[key] = copy.deepcopy(child["default"])
        if key in value:
            default(value[key], child)
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        for key, item in value.items():
            if key not in (schema.get("properties") or {}):
                default(item, more)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; true is not 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def validate(value: Any, schema: Schema, path: str = "", old: Any = NEW) -> list[FieldError]:
    """What doesn't fit. A part that is as it was in `old`, where items of lists are told apart by keys alone, is borne as it is
    (upstream's ratcheting)."""
    if old is not NEW and same(value, old):
        return []
    if value is None:
        return [] if schema.get("nullable") else [_wrong_type(path, value, schema.get("type", "object"))]
    wrong = _type_error(value, schema, path)
    if wrong is not None:
        return [wrong]
    found = _enum(value, schema, path)
    if isinstance(value, dict):
        found += _object(value, schema, path, old)
    elif isinstance(value, list):
        found += _array(value, schema, path, old)
    elif isinstance(value, str):
        found += _string(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found += _number(value, schema, path)
    return found + _combined(value, schema, path, old)


def _body(path: str) -> str:
    return f"{path} in body" if path else "in body"


def _wrong_type(path: str, value: Any, wanted: str) -> FieldError:
    shown = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}[
        type(value)
    ]
    return errors.type_invalid(path or "<root>", shown, f'{_body(path)} must be of type {wanted}: "{shown}"')


def _type_error(value: Any, schema: Schema, path: str) -> FieldError | None:
    if schema.get("x-kubernetes-int-or-string"):
        fits = isinstance(value, int | str) and not isinstance(value, bool)
        return None if fits else _wrong_type(path, value, "integer,string")
    wanted = schema.get("type")
    if not wanted:
        return None
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return None
    fits = isinstance(value, _PYTHON.get(wanted, (object,))) and (wanted == "boolean" or not isinstance(value, bool))
    return None if fits else _wrong_type(path, value, wanted)


def _enum(value: Any, schema: Schema, path: str) -> list[FieldError]:
    allowed = schema.get("enum")
    if allowed is None or value in allowed:
        return []
    return [errors.not_supported(path, value, [str(a) for a in allowed])]


def _object(value: dict[str, Any], schema: Schema, path: str, old: Any) -> list[FieldError]:
    properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
    prefix = f"{path}." if path else ""
    found = [errors.required(prefix + name) for name in schema.get("required") or () if name not in value]
    before = old if isinstance(old, dict) else {}
    for key, item in value.items():
        child = properties.get(key, more)
        if isinstance(child, dict):
            found += validate(item, child, prefix + key, before.get(key, NEW))
    if "maxProperties" in schema and len(value) > schema["maxProperties"]:
        found.append(errors.too_many(path, len(value), schema["maxProperties"]))
    if len(value) < schema.get("minProperties", 0):
        found.append(errors.invalid_value(path, value, f"{_body(path)} should have at least {schema['minProperties']} properties"))
    return found


def identity(item: Any, keys: Sequence[str]) -> tuple[Any, ...]:
    """What tells an item of a list of listType map from the others."""
    return tuple(item.get(key) for key in keys) if isinstance(item, dict) else ()


def _array(value: list[Any], schema: Schema, path: str, old: Any) -> list[FieldError]:
    found: list[FieldError] = []
    items = schema.get("items")
    keys = schema.get("x-kubernetes-list-map-keys") if schema.get("x-kubernetes-list-type") == "map" else None
    if isinstance(items, dict):
        before = [(identity(item, keys), item) for item in old] if keys and isinstance(old, list) else []
        for index, item in enumerate(value):
            own = identity(item, keys) if keys else ()
            found += validate(item, items, f"{path}[{index}]", next((item for known, item in before if known == own), NEW))
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        found.append(errors.too_many(path, len(value), schema["maxItems"]))
    if len(value) < schema.get("minItems", 0):
        found.append(errors.invalid_value(path, len(value), f"{_body(path)} should have at least {schema['minItems']} items"))
    if keys or schema.get("x-kubernetes-list-type") == "set" or schema.get("uniqueItems"):
        seen: list[Any] = []
        for index, item in enumerate(value):
            shown = {k: item.get(k) for k in keys} if keys and isinstance(item, dict) else item
            if shown in seen:
                found.append(errors.duplicate(f"{path}[{index}]", shown))
            seen.append(shown)
    return found


# What fits numbers of a format, since 1.36.
_FLOAT_MAX = (2 - 2**-23) * 2.0**127
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1), "float": (-_FLOAT_MAX, _FLOAT_MAX)}


def _unlike(value: str, pattern: str) -> str:
    """The pattern, with what is wrong with it if it is wrong itself; "" where the value has it."""
    try:
        return "" if compiled(pattern).search(value) else pattern
    except ValueError as error:  # stored before such were refused
        return f"{pattern}, but pattern is invalid: {error}"


def _string(value: str, schema: Schema, path: str) -> list[FieldError]:
    found = []
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        found.append(errors.too_long(path, schema["maxLength"]))
    if len(value) < schema.get("minLength", 0):
        found.append(errors.invalid_value(path, value, f"{_body(path)} should be at least {schema['minLength']} chars long"))
    if "pattern" in schema and (unlike := _unlike(value, schema["pattern"])):
        found.append(errors.invalid_value(path, value, f"{_body(path)} should match '{unlike}'"))
    form = str(schema.get("format") or "")
    if form and not formats.fits(value, form):
        found.append(errors.invalid_value(path, value, f'{_body(path)} must be of type {form}: "{value}"'))
    return found


def _number(value: float, schema: Schema, path: str) -> list[FieldError]:
    found = []
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and (value < low or (schema.get("exclusiveMinimum") and value == low)):
        words = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        found.append(errors.invalid_value(path, value, f"{_body(path)} should be {words} {low:g}"))
    if high is not None and (value > high or (schema.get("exclusiveMaximum") and value == high)):
        words = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        found.append(errors.invalid_value(path, value, f"{_body(path)} should be {words} {high:g}"))
    form = schema.get("format")
    if form in _RANGES and not _RANGES[form][0] <= value <= _RANGES[form][1]:
        found.append(errors.invalid_value(path, value, f"{_body(path)} must be of type {form}: {value}"))
    step = schema.get("multipleOf")
    if step and value % step:
        found.append(errors.invalid_value(path, value, f"{_body(path)} should be a multiple of {step:g}"))
    return found


def _combined(value: Any, schema: Schema, path: str, old: Any) -> list[FieldError]:
    found: list[FieldError] = []
    for part in schema.get("allOf") or ():
        found += validate(value, {"nullable": True, **part}, path, old)
    fitting = {name: sum(not validate(value, part, path) for part in schema.get(name) or ()) for name in ("anyOf", "oneOf")}
    if schema.get("anyOf") and not fitting["anyOf"]:
        found.append(errors.invalid_value(path, "", f'"{path}" must validate at least one schema (anyOf)'))
    if schema.get("oneOf") and fitting["oneOf"] != 1:
        found.append(
            errors.invalid_value(
                path, "", f'"{path}" must validate one and only one schema (oneOf). Found {fitting["oneOf"] or "none"} valid'
            )
        )
    if schema.get("not") and not validate(value, schema["not"], path):
        found.append(errors.invalid_value(path, "", f'"{path}" must not validate the schema (not)'))
    return found


def rules(schema: Schema) -> dict[str, dict[str, FieldRule]]:
    """The schema as merge rules: a type for each object in it, named by its path; the root is `#`."""
    found: dict[str, dict[str, FieldRule]] = {name: dict(RULES[name]) for name in RULES if name.startswith("meta_v1.")}
    _rules(schema, "#", found)
    found["#"]["metadata"] = FieldRule("struct", "meta_v1.ObjectMeta", "", "", "", ())
    return found


def _rules(schema: Schema, name: str, found: dict[str, dict[str, FieldRule]]) -> None:
    fields = found[name] = {}
    for key, child in (schema.get("properties") or {}).items():
        target = f"{name}.{key}"
        kind = child.get("type")
        if kind == "array":
            items = child.get("items") or {}
            topology = child.get("x-kubernetes-list-type") or "atomic"
            has_type = isinstance(items, dict) and items.get("type") == "object"
            fields[key] = FieldRule(
                "list", target if has_type else "", "", "", topology, tuple(child.get("x-kubernetes-list-map-keys") or ())
            )
            if has_type:
                _rules(items, target, found)
        elif kind == "object" and child.get("properties"):
            fields[key] = FieldRule("struct", target, "", "", child.get("x-kubernetes-map-type") or "", ())
            _rules(child, target, found)
        elif kind == "object":
            more = child.get("additionalProperties")
            has_type = isinstance(more, dict) and more.get("type") == "object"
            fields[key] = FieldRule("map", target if has_type else "", "", "", child.get("x-kubernetes-map-type") or "", ())
            if has_type and isinstance(more, dict):
                _rules(more, target, found)
        else:
            fields[key] = FieldRule("scalar", "", "", "", "", ())

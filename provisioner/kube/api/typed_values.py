"""Whether the values of a configuration that is applied are of their fields' types, in the words of upstream's typed objects
(structured-merge-diff), which are not those of the JSON decoder. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

import msgspec

from provisioner.kube.api.codec import fields_of, options_of
from provisioner.kube.api.field_sets import Path, Schema, item_element, path_text
from provisioner.kube.api.go_json import printed
from provisioner.kube.api.merge_rules import FieldRule


def mismatches(annotation: Any, value: Any, schema: Schema) -> Iterator[str]:
    """`annotation` is the kind's Struct, `value` the document."""
    yield from _mismatches(annotation, value, schema.root, schema, ())


def _mismatches(annotation: Any, value: Any, rule: FieldRule | None, schema: Schema, path: Path) -> Iterator[str]:
    options = options_of(annotation)
    if value is None or Any in options:
        return
    option = options[0]
    if isinstance(option, type) and issubclass(option, msgspec.Struct):
        if not isinstance(value, dict):
            yield f"{path_text(path)}: expected map, got &{{{printed(value)}}}"
            return
        fields = fields_of(option)
        for key, item in value.items():
            if key in fields:
                yield from _mismatches(fields[key], item, schema.child(rule, key), schema, (*path, f"f:{key}"))
    elif get_origin(option) is dict:
        if not isinstance(value, dict):
            yield f"{path_text(path)}: expected map, got &{{{printed(value)}}}"
            return
        for key, item in value.items():
            yield from _mismatches(get_args(option)[1], item, schema.child(rule, key), schema, (*path, f"f:{key}"))
    elif get_origin(option) is list:
        if not isinstance(value, list):
            yield f"{path_text(path)}: expected list, got &{{{printed(value)}}}"
            return
        for index, item in enumerate(value):
            yield from _mismatches(get_args(option)[0], item, schema.item(rule), schema, (*path, _element(item, index, rule)))
    elif problem := _scalar(options, value):
        yield f"{path_text(path)}: {problem}"


def custom_mismatches(structure: Mapping[str, Any], value: Any, schema: Schema) -> Iterator[str]:
    """As `mismatches`, by a custom resource's schema."""
    yield from _custom(structure, value, schema.root, schema, ())


_SCALARS: dict[str, tuple[Any, ...]] = {"string": (str,), "boolean": (bool,), "integer": (int,), "number": (float,)}


def _custom(structure: Mapping[str, Any], value: Any, rule: FieldRule | None, schema: Schema, path: Path) -> Iterator[str]:
    kind = "either" if structure.get("x-kubernetes-int-or-string") else structure.get("type")
    if value is None or kind is None:
        return
    if kind == "object":
        if not isinstance(value, dict):
            yield f"{path_text(path)}: expected map, got &{{{printed(value)}}}"
            return
        more = structure.get("additionalProperties")
        for key, item in value.items():
            child = (structure.get("properties") or {}).get(key) or (more if isinstance(more, dict) else None)
            if child is not None:
                yield from _custom(child, item, schema.child(rule, key), schema, (*path, f"f:{key}"))
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{path_text(path)}: expected list, got &{{{printed(value)}}}"
            return
        for index, item in enumerate(value):
            yield from _custom(structure.get("items") or {}, item, schema.item(rule), schema, (*path, _element(item, index, rule)))
    elif problem := _scalar(_SCALARS.get(kind, (int, str)), value):
        yield f"{path_text(path)}: {problem}"


def _element(item: Any, index: int, rule: FieldRule | None) -> str:
    return item_element(item, rule) if rule is not None and rule.topology in ("map", "set") else f"i:{index}"


def _scalar(options: tuple[Any, ...], value: Any) -> str:
    bases = {get_args(option)[0] if get_origin(option) is Annotated else option for option in options}
    if len(bases) > 1:
        # Quantities and the like
        return "" if isinstance(value, str | int | float) else f"expected any scalar, got &{{{printed(value)}}}"
    base = bases.pop()
    if base in (int, float):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if number else f"expected numeric (int or float), got {_go_type(value)}"
    if base is bool:
        return "" if isinstance(value, bool) else f"expected boolean, got &{{{printed(value)}}}"
    return "" if isinstance(value, str) else f"expected string, got &value.valueUnstructured{{Value:{_go_syntax(value)}}}"


def _go_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    names: dict[type, str] = {str: "string", dict: "map[string]interface {}", list: "[]interface {}"}
    return names[type(value)]


def _go_syntax(value: Any) -> str:
    if isinstance(value, dict):
        return "map[string]interface {}{" + ", ".join(f'"{key}":{_go_syntax(value[key])}' for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(map(_go_syntax, value)) + "}"
    return msgspec.json.encode(value).decode() if isinstance(value, str) else printed(value)

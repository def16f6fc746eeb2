"""Proves what structural schemas prune, default and refuse, in upstream's words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provisioner.kube.apiserver.custom import schema

ITEM = {"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer", "default": 7}}}
ROOT = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "a": {"type": "string", "default": "x"},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "map": {"type": "object", "additionalProperties": {"type": "integer"}},
                "list": {"type": "array", "items": ITEM},
                "embedded": {"type": "object", "x-kubernetes-embedded-resource": True},
            },
        }
    },
}


def test_pruning_keeps_what_is_known() -> None:
    value = {
        "spec": {
            "a": "1",
            "b": 2,
            "free": {"any": 1},
            "map": {"k": 1},
            "list": [{"name": "n", "zzz": 1}],
            "embedded": {"kind": "K", "x": 1},
        },
        "odd": 1,
    }
    gone = schema.prune(value, ROOT, root=True)
    assert gone == ["spec.b", "spec.list[0].zzz", "spec.embedded.x", "odd"]
    assert value == {"spec": {"a": "1", "free": {"any": 1}, "map": {"k": 1}, "list": [{"name": "n"}], "embedded": {"kind": "K"}}}


def test_defaults_reach_inside_and_are_copies() -> None:
    value: dict[str, Any] = {"spec": {"list": [{"name": "n"}], "a": None}}
    schema.default(value, ROOT)
    assert value == {"spec": {"list": [{"name": "n", "n": 7}], "a": "x"}}
    again = copy.deepcopy(value)
    schema.default(again, ROOT)
    assert again == value


CASES = [
    ({"type": "integer"}, "x", 'p in body must be of type integer: "string"'),
    ({"type": "boolean"}, 1, 'must be of type boolean: "integer"'),
    ({"type": "integer"}, True, 'must be of type integer: "boolean"'),
    ({"type": "string", "maxLength": 2}, "abc", "Too long"),
    ({"type": "string", "minLength": 2}, "a", "should be at least 2 chars long"),
    ({"type": "string", "pattern": "^a+$"}, "b", "should match '^a+$'"),
    ({"type": "string", "format": "date-time"}, "today", "must be of type date-time"),
    ({"type": "string", "enum": ["a"]}, "b", 'Unsupported value: "b": supported values: "a"'),
    ({"type": "number", "minimum": 1}, 0, "should be greater than or equal to 1"),
    ({"type": "number", "maximum": 1, "exclusiveMaximum": True}, 1, "should be less than 1"),
    ({"type": "integer", "format": "int32"}, 2**31, "must be of type int32: 2147483648"),
    ({"type": "integer", "format": "int64"}, -(2**63) - 1, "must be of type int64"),
    ({"type": "number", "format": "float"}, 1e39, "must be of type float"),
    ({"type": "integer", "multipleOf": 3}, 4, "should be a multiple of 3"),
    ({"type": "array", "maxItems": 1}, [1, 2], "Too many: 2: must have at most 1 items"),
    ({"type": "array", "x-kubernetes-list-type": "set"}, [1, 1], "Duplicate value: 1"),
    ({"type": "object", "required": ["a"]}, {}, "p.a: Required value"),
    ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": 1}, "one and only one schema (oneOf). Found 2 valid"),
    ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, 1, "at least one schema (anyOf)"),
    ({"not": {"required": ["a"]}}, {"a": 1}, "must not validate the schema (not)"),
]


@pytest.mark.parametrize(("given", "value", "expected"), CASES)
def test_refusals(given: dict[str, Any], value: Any, expected: str) -> None:
    found = schema.validate(value, given, "p")
    assert len(found) == 1 and expected in str(found[0])


def test_what_fits() -> None:
    assert schema.validate(5, {"x-kubernetes-int-or-string": True}) == schema.validate("5%", {"x-kubernetes-int-or-string": True}) == []
    assert schema.validate(None, {"type": "string", "nullable": True}) == []
    assert schema.validate(2.0, {"type": "integer"}) == []
    assert schema.validate(2**31 - 1, {"type": "integer", "format": "int32"}) == []
    assert schema.validate(1e300, {"type": "number", "format": "double"}) == []


def test_merge_rules() -> None:
    items = {"type": "array", "items": ITEM, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    rules = schema.rules(
        {"type": "object", "properties": {"spec": {"type": "object", "properties": {"list": items, "x": {"type": "string"}}}}}
    )
    assert rules["#"]["spec"].target == "#.spec" and rules["#"]["metadata"].target == "meta_v1.ObjectMeta"
    assert rules["#.spec"]["list"].topology == "map" and rules["#.spec"]["list"].map_keys == ("name",)
    assert rules["#.spec"]["x"].shape == "scalar"


_SHORT = {"type": "string", "maxLength": 1}
_KEYED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": _SHORT}},
}


@pytest.mark.parametrize(
    ("given", "old", "new", "paths"),
    [
        ({"properties": {"a": _SHORT, "b": {}}}, {"a": "old", "b": 1}, {"a": "old", "b": 2}, []),
        ({"properties": {"a": _SHORT}}, {"a": "old"}, {"a": "new"}, ["a"]),
        ({"properties": {"a": _SHORT}}, {}, {"a": "new"}, ["a"]),
        ({"properties": {"a": {"type": "integer"}}}, {"a": 1}, {"a": True}, ["a"]),
        ({"properties": {"l": _KEYED}}, {"l": [{"k": "x", "v": "old"}]}, {"l": [{"k": "y", "v": "o"}, {"k": "x", "v": "old"}]}, []),
        ({"properties": {"l": _KEYED}}, {"l": [{"k": "x", "v": "old"}]}, {"l": [{"k": "x", "v": "new"}]}, ["l[0].v"]),
        ({"properties": {"l": {"type": "array", "items": _SHORT}}}, {"l": ["old"]}, {"l": ["old", "o"]}, ["l[0]"]),
        ({"required": ["a"], "properties": {"b": {}}}, {"b": 1}, {"b": 2}, ["a"]),
    ],
)
def test_what_has_not_changed_is_borne(given: dict[str, Any], old: Any, new: Any, paths: list[str]) -> None:
    assert [error.field for error in schema.validate(new, {"type": "object", **given}, old=old)] == paths

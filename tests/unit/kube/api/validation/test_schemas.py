"""Schemas that are not structural, and rules that can't be right or would cost too much, are refused with their place."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api.validation.schemas import structural, uses_old

STRING = {"type": "string"}


def found(*rules: str, **properties: Any) -> list[str]:
    spec = {"type": "object", "properties": properties, "x-kubernetes-validations": [{"rule": rule} for rule in rules]}
    return [str(e) for e in structural({"type": "object", "properties": {"spec": spec}}, "s")]


@pytest.mark.parametrize(
    "rule",
    [
        "self.a == 'x'",
        "has(self.n) && self.n > 1",
        "self.l.all(x, x.startsWith('a'))",
        "size(self.l) < 10",
        "self.n == oldSelf.n",
        "self.free.anything == 1",
        "self.m['k'] == 'v'",
        "self.n > 1 ? self.a == 'x' : true",
        "self.either == 1 || self.either == '1'",
        "self.when < timestamp('2030-01-01T00:00:00Z')",
    ],
)
def test_good_rules_pass(rule: str) -> None:
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    lists = {"type": "array", "items": STRING, "maxItems": 10}
    maps = {"type": "object", "additionalProperties": STRING}
    either = {"x-kubernetes-int-or-string": True}
    when = {"type": "string", "format": "date-time"}
    assert found(rule, a=STRING, n={"type": "integer"}, l=lists, free=free, m=maps, either=either, when=when) == []


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("self.b == 'x'", "undefined field 'b'"),
        ("self.a ==", "Syntax error"),
        ("self.a > 1", "found no matching overload for '_>_' applied to '(string, int)'"),
        ("self.a", "must evaluate to a bool"),
        ("self.a.b == 1", "does not support field selection"),
        ("self.l.all(x, self.l.all(y, x == y))", "estimated rule cost exceeds budget"),
        ("self.l.all(x, x.foo == 1)", "does not support field selection"),
        ("who == 1", "undeclared reference to 'who'"),
        ("", "rule is not specified"),
    ],
)
def test_rules_that_cannot_be_right(rule: str, message: str) -> None:
    (problem,) = found(rule, a=STRING, l={"type": "array", "items": STRING})
    assert problem.startswith("s.properties[spec].x-kubernetes-validations[0].rule") and message in problem


def test_the_root_has_its_metadata() -> None:
    rules = [{"rule": "self.metadata.name == 'x' && self.kind == 'K'"}]
    assert structural({"type": "object", "properties": {"spec": STRING}, "x-kubernetes-validations": rules}, "s") == []
    rules = [{"rule": "self.metadata.labels.x == 'x'"}]
    (problem,) = structural({"type": "object", "properties": {"spec": STRING}, "x-kubernetes-validations": rules}, "s")
    assert "undefined field 'labels'" in str(problem)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({}, "s.properties[p].type: Required value: must not be empty for specified object fields"),
        ({"type": "thing"}, "s.properties[p].type: Unsupported value"),
        ({"type": "array"}, "s.properties[p].items: Required value"),
        ({"type": "string", "x-kubernetes-list-type": "set"}, "must be array"),
        ({"type": "array", "items": STRING, "x-kubernetes-list-type": "map"}, "x-kubernetes-list-map-keys: Required value"),
        ({"type": "object", "properties": {"a": STRING}, "additionalProperties": STRING}, "mutual exclusive"),
        ({"$ref": "#/x", "type": "string"}, "s.properties[p].$ref: Forbidden: $ref is not supported"),
        ({"type": "array", "items": STRING, "uniqueItems": True}, "s.properties[p].uniqueItems: Forbidden: uniqueItems cannot be set to true"),
        ({"type": "object", "additionalProperties": False}, "s.properties[p].additionalProperties: Forbidden: additionalProperties cannot be set to false"),
        ({**STRING, "anyOf": [{"type": "string"}]}, "s.properties[p].anyOf[0].type: Forbidden: must be empty to be structural"),
        ({**STRING, "not": {"description": "x"}}, "s.properties[p].not.description: Forbidden: must be empty to be structural"),
        ({**STRING, "allOf": [{"oneOf": [{"nullable": True}]}]}, "s.properties[p].allOf[0].oneOf[0].nullable: Forbidden: must be false to be structural"),
        ({**STRING, "allOf": [{"default": "x"}]}, "s.properties[p].allOf[0].default: Forbidden: must be undefined to be structural"),
        (
            {"type": "object", "oneOf": [{"properties": {"a": {"minLength": 1}}}]},
            "s.properties[p].properties[a]: Required value: because it is defined in s.properties[p].oneOf[0].properties[a]",
        ),
        ({"allOf": [{"properties": {"metadata": {}}}], "type": "object"}, "s.properties[p].allOf[0].properties[metadata]: Forbidden: must not be specified in a"),
        ({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]}, "s.properties[p].anyOf[0].type: Forbidden: must be empty to be structural"),
        (
            {"x-kubernetes-int-or-string": True, "allOf": [{}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}]},
            "s.properties[p].allOf[1].anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        ({**STRING, "anyOf": [{"x-kubernetes-validations": [{"rule": "true"}]}]}, "anyOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural"),
        ({**STRING, "x-kubernetes-validations": [{"rule": "self ==\n'x'"}]}, "message: Required value: message must be specified if rule contains line breaks"),
    ],
)  # fmt: skip
def test_what_is_not_structural(part: dict[str, Any], message: str) -> None:
    problems = structural({"type": "object", "properties": {"p": part}}, "s")
    assert any(message in str(problem) for problem in problems)


@pytest.mark.parametrize(
    "part",
    [
        {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}], "pattern": "^[0-9]+$"},
        {"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"pattern": "x"}]},
        {"type": "object", "properties": {"a": STRING, "b": STRING}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"type": "object", "properties": {"a": STRING}, "not": {"properties": {"a": {"enum": ["x"]}}, "required": ["a"]}},
        {"type": "object", "additionalProperties": STRING, "anyOf": [{"properties": {"a": {"minLength": 1}}}]},
        {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": STRING}}}},
        {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {"metadata": {"type": "object", "properties": {"labels": STRING}}},
        },
        {**STRING, "x-kubernetes-validations": [{"rule": "self ==\n'x'", "message": "x"}]},
    ],
)
def test_what_is_structural(part: dict[str, Any]) -> None:
    names = {"type": "object", "properties": {"name": {**STRING, "maxLength": 5}}}
    assert structural({"type": "object", "properties": {"metadata": names, "p": part}}, "s") == []


def test_looking_back() -> None:
    assert uses_old("self.a == oldSelf.a") and not uses_old("self.a == 'oldSelf'")


@pytest.mark.parametrize(
    ("rule", "field", "message"),
    [
        ({"rule": "true", "fieldPath": ".nope"}, "fieldPath", "does not refer to a valid field"),
        ({"rule": "true", "fieldPath": ".spec"}, "", ""),
        ({"rule": "true", "optionalOldSelf": True}, "optionalOldSelf", "oldSelf is not used"),
        ({"rule": "self.spec != 'x' || oldSelf.hasValue()", "optionalOldSelf": True}, "", ""),
    ],
)
def test_where_rules_point_and_what_they_look_back_at(rule: dict[str, Any], field: str, message: str) -> None:
    found = structural({"type": "object", "properties": {"spec": STRING}, "x-kubernetes-validations": [rule]}, "s")
    assert [e.field for e in found] == ([f"s.x-kubernetes-validations[0].{field}"] if field else [])
    assert all(message in e.message for e in found)


@pytest.mark.parametrize(("kind", "allowed"), [("map", True), ("atomic", False)])
def test_only_items_that_keys_tell_apart_have_a_past(kind: str, allowed: bool) -> None:
    item = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {**STRING, "maxLength": 9}},
        "x-kubernetes-validations": [{"rule": "self.name == oldSelf.name"}],
    }
    keys = {"x-kubernetes-list-map-keys": ["name"]} if kind == "map" else {}
    listed = {"type": "array", "maxItems": 9, "x-kubernetes-list-type": kind, **keys, "items": item}
    found = structural({"type": "object", "properties": {"list": listed}}, "s")
    assert [e.message for e in found if "uncorrelatable portion of the schema within s.properties[list]" in e.message] == [
        e.message for e in found
    ]
    assert (found == []) is allowed


OBJECT = {"type": "object", "properties": {"k": STRING}, "required": ["k"]}
LIST_TYPE, MAP_TYPE, KEYS = "x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-list-map-keys"
KEEPS, EMBEDDED, EITHER = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", KEEPS: True}, []),
        ({EITHER: True}, []),
        ({"type": "object", EMBEDDED: True, KEEPS: True}, []),
        ({"type": "object", MAP_TYPE: "atomic", "properties": {"k": STRING}}, []),
        ({"type": "array", LIST_TYPE: "set", "items": STRING}, []),
        ({"type": "array", LIST_TYPE: "set", "items": {**OBJECT, MAP_TYPE: "atomic"}}, []),
        ({"type": "array", LIST_TYPE: "map", KEYS: ["k"], "items": OBJECT}, []),
        ({"type": "array", "items": {}}, ["items.type: Required value: must not be empty for specified array items"]),
        ({"type": "object", KEEPS: False}, [f"{KEEPS}: Invalid value: false: must be true or undefined"]),
        ({EITHER: True, "type": "integer", "pattern": "^.*"}, []),
        ({EITHER: True, KEEPS: True}, [f"{KEEPS}: Invalid value: true: must be false if {EITHER} is true"]),
        ({EMBEDDED: True, KEEPS: True}, [f"type: Required value: must be object if {EMBEDDED} is true"]),
        ({"type": "string", EMBEDDED: True, KEEPS: True}, [f'type: Invalid value: "string": must be object if {EMBEDDED} is true']),
        ({"type": "object", EMBEDDED: True}, [f"properties: Required value: must not be empty if {EMBEDDED} is true without {KEEPS}"]),
        (
            {"type": "object", EMBEDDED: True, "properties": {"kind": {"type": "integer"}}},
            ['properties[kind].type: Invalid value: "integer": must be string'],
        ),
        ({"type": "string", MAP_TYPE: "atomic"}, [f'type: Invalid value: "string": must be object if {MAP_TYPE} is specified']),
        ({"type": "object", MAP_TYPE: "x"}, [f'{MAP_TYPE}: Unsupported value: "x": supported values: "atomic", "granular"']),
        ({LIST_TYPE: "set", KEEPS: True}, [f"type: Required value: must be array if {LIST_TYPE} is specified"]),
        (
            {"type": "array", LIST_TYPE: "set", "items": {"type": "object"}},
            [f"items.{MAP_TYPE}: Required value: must be atomic as item of a list with {LIST_TYPE}=set"],
        ),
        (
            {"type": "array", LIST_TYPE: "set", "items": {**STRING, "nullable": True}},
            [f"items.nullable: Forbidden: cannot be nullable when {LIST_TYPE} is set"],
        ),
        (
            {"type": "array", KEYS: ["k"], "items": OBJECT},
            [f"{LIST_TYPE}: Required value: must be map if {KEYS} is non-empty"],
        ),
        (
            {"type": "array", LIST_TYPE: "map", KEYS: ["k"], "items": {**OBJECT, "properties": {"k": {"type": "object"}}}},
            [f'items.properties[k].type: Invalid value: "object": must be a scalar type if parent array\'s {LIST_TYPE} is map'],
        ),
        (
            {"type": "array", LIST_TYPE: "map", KEYS: ["k", "x", "k"], "items": {**OBJECT, "nullable": True}},
            [
                f"items.nullable: Forbidden: cannot be nullable when {LIST_TYPE} is map",
                f'{KEYS}: Invalid value: ["k","x","k"]: entries must all be names of item properties',
                f'{KEYS}: Invalid value: ["k","x","k"]: must not contain duplicate entries',
            ],
        ),
        (
            {"type": "array", LIST_TYPE: "map", KEYS: ["k"], "items": {**OBJECT, "properties": {"k": {**STRING, "nullable": True}}}},
            [f"items.properties[k].nullable: Forbidden: this property is in {KEYS}, so it cannot be nullable"],
        ),
    ],
)
def test_keywords_of_kubernetes_own(schema: dict[str, Any], expected: list[str]) -> None:
    problems = structural({"type": "object", "properties": {"a": schema}}, "s")
    assert [str(one) for one in problems] == [f"s.properties[a].{text}" for text in expected]


@pytest.mark.parametrize("more", [{"description": "x"}, {"properties": {"labels": STRING}}, {"required": ["name"]}])
def test_a_root_s_metadata_narrows_names_alone(more: dict[str, Any]) -> None:
    problems = structural({"type": "object", "properties": {"metadata": {"type": "object", **more}}}, "s")
    told = "must not specify anything other than name and generateName, but metadata is implicitly specified"
    assert [str(e) for e in problems] == [f"s.properties[metadata]: Forbidden: {told}"]


def test_what_is_whole_has_no_past_below_it() -> None:
    looks_back = {**STRING, "maxLength": 9, "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}
    whole = {"type": "object", MAP_TYPE: "atomic", "properties": {"k": looks_back}}
    (problem,) = structural({"type": "object", "properties": {"a": whole}}, "s")
    assert "uncorrelatable portion of the schema within s.properties[a]" in problem.message


def test_a_root_is_never_null() -> None:
    assert [str(e) for e in structural({"type": "object", "nullable": True}, "s")] == [
        "s.nullable: Forbidden: nullable cannot be true at the root"
    ]


def test_patterns_are_expressions_that_go_takes() -> None:
    problems = structural({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?!x)"}}}, "s")
    told = "must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: `(?!`"
    assert [str(one) for one in problems] == [f's.properties[a].pattern: Invalid value: "^(?!x)": {told}']

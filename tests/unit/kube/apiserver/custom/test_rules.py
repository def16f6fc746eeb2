"""Rules of custom resources hold or say why; what is about a change is asked of changes only; a run is bounded."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.apiserver.custom import rules


def schema(*validations: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": properties, "x-kubernetes-validations": list(validations)}},
    }


def said(value: Any, old: Any, of: dict[str, Any]) -> list[str]:
    return [str(error) for error in rules.broken({"spec": value}, {"spec": old} if old is not None else None, of)]


def test_a_rule_that_holds_says_nothing() -> None:
    assert said({"a": 1, "b": 2}, None, schema({"rule": "self.a < self.b"}, a={"type": "integer"}, b={"type": "integer"})) == []


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"rule": "self.a > 1"}, "failed rule: self.a > 1"),
        ({"rule": "self.a > 1", "message": "more!"}, "more!"),
        ({"rule": "self.a > 1", "messageExpression": "'a is ' + string(self.a)"}, "a is 1"),
        ({"rule": "self.a > 1", "message": "more!", "messageExpression": "string(1/0)"}, "more!"),
        ({"rule": "self.missing > 1"}, "no such key: missing evaluating rule: self.missing > 1"),
    ],
)
def test_a_broken_rule_says_why(rule: dict[str, Any], message: str) -> None:
    (found,) = rules.broken({"spec": {"a": 1}}, None, schema(rule, a={"type": "integer"}))
    assert found.field == "spec" and message in str(found)


def test_reason_and_place_can_be_said() -> None:
    rule = {"rule": "false", "reason": "FieldValueForbidden", "fieldPath": ".a"}
    (found,) = rules.broken({"spec": {"a": 1}}, None, schema(rule, a={"type": "integer"}))
    assert (found.reason, found.field) == ("FieldValueForbidden", "spec.a")


def test_a_change_is_judged_where_there_was_something_before() -> None:
    of = schema({"rule": "self.a >= oldSelf.a", "message": "never less"}, a={"type": "integer"})
    assert said({"a": 1}, None, of) == []
    assert said({"a": 2}, {"a": 1}, of) == []
    assert "never less" in said({"a": 1}, {"a": 2}, of)[0]


def test_an_optional_old_self_is_asked_always() -> None:
    rule = {"rule": "!oldSelf.hasValue() || oldSelf.value().a == self.a", "optionalOldSelf": True}
    of = schema(rule, a={"type": "integer"})
    assert said({"a": 1}, None, of) == [] and said({"a": 2}, {"a": 1}, of)


def test_items_are_compared_by_their_keys() -> None:
    item: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}}
    item["x-kubernetes-validations"] = [{"rule": "self.n >= oldSelf.n"}]
    listed = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": item}
    of = schema(items=listed)
    before = {"items": [{"name": "a", "n": 5}, {"name": "b", "n": 1}]}
    assert said({"items": [{"name": "b", "n": 1}, {"name": "a", "n": 6}, {"name": "c", "n": 0}]}, before, of) == []
    assert len(said({"items": [{"name": "a", "n": 4}]}, before, of)) == 1


def test_formats_become_values() -> None:
    of = schema(
        {"rule": "self.until - timestamp('2024-01-01T00:00:00Z') < self.span"},
        until={"type": "string", "format": "date-time"},
        span={"type": "string", "format": "duration"},
    )
    assert said({"until": "2024-01-01T00:30:00Z", "span": "1h"}, None, of) == []
    assert said({"until": "2024-01-01T02:00:00Z", "span": "1h"}, None, of)


def test_a_dear_rule_is_cut_off() -> None:
    of = schema(
        {"rule": "self.l.all(a, self.l.all(b, self.l.all(c, a == b && b == c)))"}, l={"type": "array", "items": {"type": "integer"}}
    )
    assert "call cost exceeds limit" in said({"l": [1] * 150}, None, of)[0]


def test_has_rules_looks_everywhere() -> None:
    deep = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "object", "x-kubernetes-validations": [{"rule": "true"}]}}},
    }
    assert rules.has_rules(deep) and not rules.has_rules({"type": "object", "properties": {"a": {"type": "string"}}})


def test_what_has_not_changed_is_not_judged_by_a_newer_rule() -> None:
    of = schema(a={"type": "string", "x-kubernetes-validations": [{"rule": "self == 'x'"}]}, b={"type": "string"})
    assert said({"a": "y", "b": "1"}, {"a": "y", "b": "0"}, of) == [] and said({"a": "z"}, {"a": "y"}, of)

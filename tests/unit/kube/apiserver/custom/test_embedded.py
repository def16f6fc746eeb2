"""Proves what an object inside a custom object must say of itself."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.apiserver.custom import embedded

WHOLE = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
SCHEMA = {"type": "object", "properties": {"one": WHOLE, "many": {"type": "array", "items": WHOLE}, "plain": {"type": "object"}}}
RIGHT = {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": "b"}}}


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({}, "", ""),
        ({"apiVersion": None}, "one.apiVersion", "must be a string"),
        ({"apiVersion": "a/b/c"}, "one.apiVersion", "unexpected GroupVersion string: a/b/c"),
        ({"kind": ""}, "one.kind", "must not be empty"),
        ({"kind": "a b"}, "one.kind", "a DNS-1035 label"),
        ({"metadata": "x"}, "one.metadata", "must be an object"),
        ({"metadata": {"name": 5}}, "one.metadata", ""),
        ({"metadata": {"name": "a/b"}}, "one.metadata.name", "may not contain '/'"),
        ({"metadata": {"labels": {"a": "b c"}}}, "one.metadata.labels", "a valid label must be"),
    ],
)
def test_one(change: dict[str, Any], field: str, told: str) -> None:
    found = embedded.problems({"one": {**RIGHT, **change}}, SCHEMA)
    assert [error.field for error in found] == ([field] if field else []) and all(told in str(error) for error in found)


def test_what_is_missing_and_where() -> None:
    found = embedded.problems({"many": [RIGHT, {}], "plain": {}}, SCHEMA)
    assert [str(error) for error in found] == [f"many[1].{name}: Required value: must not be empty" for name in ("apiVersion", "kind")]
    assert embedded.has_any(SCHEMA) and not embedded.has_any({"properties": {"a": {"type": "object"}}})

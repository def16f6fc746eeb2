"""Proves what Swagger 2.0 says of custom resources' schemas."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.apiserver.openapi.custom_v2 import part, whole

STRING = {"type": "string"}
KEEPS = "x-kubernetes-preserve-unknown-fields"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": {"a": STRING}, "required": ["a"]}, None),
        ({"type": "array", "items": STRING, "description": "x"}, None),
        ({"type": "object", "additionalProperties": STRING, "x-kubernetes-map-type": "atomic"}, None),
        ({"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, STRING]}, {"x-kubernetes-int-or-string": True}),
        ({"type": "string", "not": {"enum": ["a"]}, "allOf": [{"pattern": "x"}], "oneOf": []}, STRING),
        ({"type": "array", "items": STRING, "nullable": True, "description": "x"}, {"description": "x"}),
        ({"type": "object", KEEPS: True, "properties": {"a": STRING}}, {"type": "object", KEEPS: True}),
        ({"type": "array", KEEPS: True, "items": STRING}, {KEEPS: True}),
        (
            {"type": "object", "properties": {"a": {**STRING, "nullable": True}, "b": STRING}, "required": ["a", "b"]},
            {"type": "object", "properties": {"a": {}, "b": STRING}, "required": ["b"]},
        ),
        (
            {"type": "object", "additionalProperties": {**STRING, "nullable": True}, "required": ["a"]},
            {"type": "object", "additionalProperties": {}},
        ),
    ],
)
def test_parts(schema: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert part(schema) == (schema if expected is None else expected)


def test_a_kind_that_keeps_everything_declares_nothing() -> None:
    gvk = [{"group": "example.com", "version": "v1", "kind": "A"}]
    named = {"type": "object", "properties": {"a": STRING}, "x-kubernetes-group-version-kind": gvk}
    assert whole(named) == named
    assert whole({**named, KEEPS: True}) == {"type": "object", "x-kubernetes-group-version-kind": gvk}

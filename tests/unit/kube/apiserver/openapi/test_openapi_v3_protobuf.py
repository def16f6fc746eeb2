"""Proves that OpenAPI v3 in protobuf says what the JSON document says, by the published field numbers, and whom it is given to."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.openapi import published as openapi
from provisioner.kube.apiserver.openapi import schemas
from provisioner.kube.apiserver.openapi.openapi_v3_protobuf import encode
from provisioner.kube.apiserver.registry import Registry
from tests.protobuf_fields import fields

JSON, PROTOBUF = "application/json", "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"


def at(data: bytes, *path: int) -> list[Any]:
    """Every value under a path of field numbers."""
    if not path:
        return [data]
    return [found for number, value in fields(data) if number == path[0] for found in (at(value, *path[1:]) if path[1:] else [value])]


def of(schema: dict[str, Any]) -> bytes:
    document = {"openapi": "3.0.0", "info": {"title": "t", "version": "v"}, "paths": {}, "components": {"schemas": {"A": schema}}}
    # components, schemas, the pair's value, its schema (not a reference)
    (found,) = at(encode(document), 5, 1, 1, 2, 1)
    return bytes(found)


@pytest.mark.parametrize(
    ("schema", "path", "expected"),
    [
        ({"type": "string", "format": "byte"}, (25,), [b"string"]),
        ({"format": "byte"}, (35,), [b"byte"]),
        ({"description": "é"}, (34,), ["é".encode()]),
        ({"required": ["a", "b"]}, (23,), [b"a", b"b"]),
        ({"items": {"$ref": "#/x"}}, (30, 1, 2, 1), [b"#/x"]),
        ({"properties": {"p": {"type": "integer"}}}, (31, 1, 1), [b"p"]),
        ({"properties": {"p": {"type": "integer"}}}, (31, 1, 2, 1, 25), [b"integer"]),
        ({"additionalProperties": {"type": "boolean"}}, (32, 1, 1, 25), [b"boolean"]),
        ({"additionalProperties": True}, (32, 2), [1]),
        ({"allOf": [{"$ref": "#/x"}, {"type": "object"}]}, (26, 2, 1), [b"#/x"]),
        ({"not": {"type": "null"}}, (29, 25), [b"null"]),
        ({"minimum": 0.5, "maximum": 3}, (13,), [0.5]),
        ({"maxLength": 300}, (15,), [300]),
        ({"minItems": -1}, (19,), [2**64 - 1]),
        ({"nullable": True, "uniqueItems": False}, (1,), [1]),
        ({"uniqueItems": False}, (20,), []),
        ({"enum": ["a", 1]}, (24, 2), [b'"a"', b"1"]),
        ({"default": "x"}, (33, 3), [b"x"]),
        ({"default": False}, (33, 2), [0]),
        ({"default": 2}, (33, 1), [2.0]),
        ({"default": {}}, (33,), [b""]),
        ({"x-kubernetes-list-map-keys": ["name"]}, (36, 2, 2), [b'["name"]']),
    ],
)
def test_schemas(schema: dict[str, Any], path: tuple[int, ...], expected: list[Any]) -> None:
    assert at(of(schema), *path) == expected


def test_a_whole_group() -> None:
    kinds = [k for k in Registry().kinds() if schemas.root_of(k.resource) == "apis/apps/v1"]
    document = schemas.v3(kinds)
    data = encode(document)
    assert at(data, 2, 6) == [document["info"]["version"].encode()]
    assert [name.decode() for name in at(data, 4, 1, 1)] == list(document["paths"])
    assert [name.decode() for name in at(data, 5, 1, 1, 1)] == list(document["components"]["schemas"])
    item = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    (found,) = [
        value
        for pair in at(data, 4, 1)
        if at(pair, 1) == [b"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
        for value in at(pair, 2)
    ]
    assert at(found, 10, 5) == [item["patch"]["operationId"].encode()]
    assert [media.decode() for media in at(found, 10, 7, 1, 2, 1, 1)] == list(item["patch"]["requestBody"]["content"])
    assert [code.decode() for code in at(found, 4, 8, 2, 1)] == list(item["get"]["responses"])
    assert at(found, 13, 1, 1) == [b"name", b"namespace"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", JSON),
        (JSON, JSON),
        ("application/com.github.proto-openapi.spec.v3@v1.0+protobuf", PROTOBUF),
        (PROTOBUF, PROTOBUF),
        (f"{JSON};q=0.5, {PROTOBUF}", PROTOBUF),
        (f"{PROTOBUF};q=0.5, {JSON}", JSON),
        ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf", None),
        ("text/html", None),
        ("*/*;q=0", None),
    ],
)
def test_who_gets_which_form(accept: str, expected: str | None) -> None:
    if expected is not None:
        assert openapi._form(accept, "v3") == expected
        return
    with pytest.raises(StatusError) as raised:
        openapi._form(accept, "v3")
    assert raised.value.code == 406

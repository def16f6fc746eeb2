"""OpenAPI v3 documents in gnostic's protobuf form, which Go clients may ask for. Pure.

Source: the published openapi.v3 message definitions. Written are the members that our documents have. A message is a line of its
members: `name=number:type`, where a type is a scalar (s, b, i, d), a message, one that a reference may stand for (`Schema?`), a list
(`[Schema?]`), or a map (`{Schema?}`: pairs of name = 1 and value = 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import msgspec

from provisioner.kube.apiserver.openapi.openapi_protobuf import double, field, flag, integer, named

_LINES = {
    "Document": "openapi=1:s info=2:Info paths=4:Paths components=5:Components",
    "Info": "title=1:s description=2:s version=6:s",
    "Components": "schemas=1:Schemas",
    # A wrapper around the pairs of a map: "" is the map itself.
    "Paths": "=1:{PathItem}",
    "Schemas": "=1:{Schema?}",
    "Contents": "=1:{MediaType}",
    "Responses": "=2:{Response?}",
    "PathItem": "get=4:Operation put=5:Operation post=6:Operation delete=7:Operation patch=10:Operation parameters=13:[Parameter?]",
    "Operation": "tags=1:[s] description=3:s operationId=5:s parameters=6:[Parameter?] requestBody=7:RequestBody? responses=8:Responses "
    "deprecated=10:b x-=13:",
    "Parameter": "name=1:s in=2:s description=3:s required=4:b schema=10:Schema? x-=14:",
    "RequestBody": "description=1:s content=2:Contents required=3:b",
    "MediaType": "schema=1:Schema?",
    "Response": "description=1:s content=3:Contents",
    "Schema": "nullable=1:b title=9:s multipleOf=10:d maximum=11:d exclusiveMaximum=12:b minimum=13:d exclusiveMinimum=14:b maxLength=15:i "
    "minLength=16:i pattern=17:s maxItems=18:i minItems=19:i uniqueItems=20:b maxProperties=21:i minProperties=22:i required=23:[s] "
    "enum=24:[any] type=25:s allOf=26:[Schema?] oneOf=27:[Schema?] anyOf=28:[Schema?] not=29:Schema items=30:Items properties=31:Schemas "
    "additionalProperties=32:Additional default=33:Default description=34:s format=35:s x-=36:",
}


class _Member(NamedTuple):
    name: str
    number: int
    type: str


@cache
def _members(message: str) -> tuple[_Member, ...]:
    return tuple(_Member(*_split(mark)) for mark in _LINES[message].split())


def _split(mark: str) -> tuple[str, int, str]:
    name, _, rest = mark.partition("=")
    number, _, kind = rest.partition(":")
    return name, int(number), kind


def encode(document: dict[str, Any]) -> bytes:
    """The whole Document message."""
    return _message("Document", document)


def _message(name: str, node: Any) -> bytes:
    return b"".join(_written(name, node))


def _written(name: str, node: dict[str, Any]) -> Iterator[bytes]:
    for member in _members(name):
        if member.name == "x-":
            for key, value in node.items():
                if key.startswith("x-"):
                    yield named(member.number, key, _any(value))
        elif not member.name:
            yield _value(member.number, member.type, node)
        elif member.name in node:
            yield _value(member.number, member.type, node[member.name])


def _value(number: int, kind: str, value: Any) -> bytes:
    if kind[0] == "[":
        return b"".join(_value(number, kind[1:-1], item) for item in value)
    if kind[0] == "{":
        return b"".join(named(number, key, _body(kind[1:-1], item)) for key, item in value.items())
    if kind == "b":
        return flag(number) if value else b""
    if kind == "i":
        return integer(number, value)
    if kind == "d":
        return double(number, value)
    return field(number, _body(kind, value))


def _body(kind: str, value: Any) -> bytes:
    """What stands in a length-delimited field."""
    if kind == "s":
        return str(value).encode()
    if kind == "any":
        return _any(value)
    if kind == "Default":
        return _default(value)
    if kind == "Items":
        return field(1, _body("Schema?", value))
    if kind == "Additional":
        return flag(2) if value is True else b"" if value is False else field(1, _body("Schema?", value))
    if kind[-1] == "?":
        return field(2, field(1, value["$ref"])) if "$ref" in value else field(1, _message(kind[:-1], value))
    return _message(kind, value)


def _default(value: Any) -> bytes:
    """A oneof of plain values; the format has no others."""
    if isinstance(value, bool):
        return integer(2, int(value))
    if isinstance(value, (int, float)):
        return double(1, value)
    return field(3, value) if isinstance(value, str) else b""


def _any(value: Any) -> bytes:
    """An Any whose yaml = 2 is JSON."""
    return field(2, msgspec.json.encode(value))

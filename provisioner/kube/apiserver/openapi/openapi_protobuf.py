"""The OpenAPI v2 document in gnostic's protobuf form, which older kubectls ask for to validate what they apply. Pure.

Source: the published openapi.v2 message definitions. Written are the parts that such clients read: info, paths with their operations'
vendor extensions and parameters, and definitions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import msgspec

_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, value: bytes | str) -> bytes:
    """A length-delimited field."""
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def flag(number: int) -> bytes:
    return integer(number, 1)


def integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & 0xFFFFFFFFFFFFFFFF)


def double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def named(number: int, name: str, value: bytes) -> bytes:
    """NamedAny, NamedSchema, NamedResponseValue and their kin: name = 1, value = 2."""
    return field(number, field(1, name) + field(2, value))


def _extensions(number: int, node: dict[str, Any]) -> bytes:
    """Vendor extensions: an Any whose yaml = 2 is JSON."""
    found = [(key, value) for key, value in node.items() if key.startswith("x-")]
    return b"".join(named(number, key, field(2, msgspec.json.encode(value))) for key, value in found)


def schema(node: dict[str, Any]) -> bytes:
    out = bytearray()
    if "$ref" in node:
        out += field(1, node["$ref"])
    if "format" in node:
        out += field(2, node["format"])
    if "description" in node:
        out += field(4, node["description"])
    for name in node.get("required", ()):
        out += field(19, name)
    if isinstance(node.get("additionalProperties"), dict):
        out += field(21, field(1, schema(node["additionalProperties"])))
    if "type" in node:
        out += field(22, field(1, node["type"]))
    if "items" in node:
        out += field(23, field(1, schema(node["items"])))
    if "properties" in node:
        out += field(25, b"".join(named(1, name, schema(child)) for name, child in node["properties"].items()))
    return bytes(out) + _extensions(31, node)


def _parameter(node: dict[str, Any]) -> bytes:
    """ParametersItem: parameter = 1."""
    if node["in"] == "body":
        body = field(2, node["name"]) + field(3, "body") + flag(4) + field(5, schema(node["schema"]))
        return field(1, field(1, body))
    required = flag(1) if node.get("required") else b""
    where = field(2, node["in"]) + field(4, node["name"])
    inside = required + where + field(5 if node["in"] == "path" else 6, node.get("type", "string"))
    return field(1, field(2, field(4 if node["in"] == "path" else 3, inside)))


def _operation(node: dict[str, Any]) -> bytes:
    out = (
        field(5, node["operationId"])
        + b"".join(field(7, media) for media in node.get("consumes", ()))
        + b"".join(field(8, _parameter(p)) for p in node["parameters"])
    )
    responses = b""
    for code, answer in node["responses"].items():
        inside = field(1, answer["description"])
        if "schema" in answer:
            inside += field(2, field(1, schema(answer["schema"])))
        responses += named(1, code, field(1, inside))
    return out + field(9, responses) + _extensions(13, node)


def _path(item: dict[str, Any]) -> bytes:
    out = b"".join(field(number, _operation(item[method])) for method, number in _METHODS.items() if method in item)
    return out + b"".join(field(9, _parameter(p)) for p in item.get("parameters", ()))


def encode(document: dict[str, Any]) -> bytes:
    """The whole Document message."""
    info = field(1, document["info"]["title"]) + field(2, document["info"]["version"])
    paths = _joined(named(2, path, _path(item)) for path, item in document["paths"].items())
    definitions = _joined(named(1, name, schema(node)) for name, node in document["definitions"].items())
    return field(1, document["swagger"]) + field(2, info) + field(8, paths) + field(9, definitions)


def _joined(parts: Iterable[bytes]) -> bytes:
    return b"".join(parts)

"""OpenAPI: version 3 made of the generated types and merge rules, a group and version at a time, when asked; version 2 as its frame.

Clients that read version 2 (kubectl before 1.27) find no schema there and leave validation to the server, which does it in any case.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from provisioner.kube.api._generated.merge_keys import RULES
from provisioner.kube.api._generated.resources import Resource

PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
DOCUMENT_V2 = {"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.36.0"}, "paths": {}, "definitions": {}}
ACTIONS = {"get": "get", "put": "put", "post": "post", "patch": "patch", "delete": "delete"}


def v2(accept: str) -> web.Response:
    """JSON, or the same as gnostic's protobuf Document for clients that take nothing else."""
    if "protobuf" in accept and "application/json" not in accept:
        body = _field(1, b"2.0") + _field(2, _field(1, b"Kubernetes") + _field(2, b"v1.36.0")) + _field(8, b"") + _field(9, b"")
        return web.Response(body=body, headers={"Content-Type": PROTOBUF_V2})
    return web.Response(body=msgspec.json.encode(DOCUMENT_V2), headers={"Content-Type": "application/json"})


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return bytes([number << 3 | 2, len(data)]) + data


def _path(resource: Resource) -> str:
    return f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"


def v3_paths(resources: Iterable[Resource]) -> dict[str, Any]:
    """The index: each group and version with an address that changes when its content does."""
    found: dict[str, list[str]] = {}
    for resource in resources:
        found.setdefault(_path(resource), []).append(resource.plural)
    return {
        path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={hashlib.sha256(','.join(plurals).encode()).hexdigest()[:32].upper()}"}
        for path, plurals in sorted(found.items())
    }


def v3(resources: Iterable[Resource], path: str) -> dict[str, Any] | None:
    """The document of one group and version."""
    chosen = [r for r in resources if _path(r) == path]
    if not chosen:
        return None
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for resource in chosen:
        name = schema_name(resource.module, resource.kind)
        _describe(resource.load(), resource.module, schemas)
        schemas[name]["x-kubernetes-group-version-kind"] = [_gvk(resource)]
        paths |= _operations(resource, name)
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.36.0"}, "paths": paths, "components": {"schemas": schemas}}


def _gvk(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "kind": resource.kind, "version": resource.version}


def _operations(resource: Resource, schema: str) -> dict[str, Any]:
    collection = "/" + _path(resource) + ("/namespaces/{namespace}" if resource.namespaced else "") + f"/{resource.plural}"
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    parameters = [
        {"name": n, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for n in ("dryRun", "fieldManager", "fieldValidation")
    ]
    made: dict[str, Any] = {}
    for path, verbs in (
        (collection, (("list", "get"), ("create", "post"))),
        (collection + "/{name}", (("get", "get"), ("update", "put"), ("patch", "patch"), ("delete", "delete"))),
    ):
        for verb, method in verbs:
            if verb not in resource.verbs:
                continue
            operation: dict[str, Any] = {
                "responses": {"200": {"description": "OK", "content": content}},
                "x-kubernetes-action": verb if verb == "list" else ACTIONS[method],
                "x-kubernetes-group-version-kind": _gvk(resource),
            }
            if verb in ("create", "update", "patch"):
                operation["parameters"] = parameters
                operation["requestBody"] = {"content": content}
            made.setdefault(path, {})[method] = operation
    return made


_PREFIXES = {"meta": "io.k8s.apimachinery.pkg.apis.meta", "core": "io.k8s.api.core"}


@lru_cache(maxsize=256)
def schema_name(module: str, kind: str) -> str:
    """io.k8s.api.apps.v1.Deployment for apps_v1.Deployment."""
    group, _, version = module.rpartition("_")
    return f"{_PREFIXES.get(group, f'io.k8s.api.{group}')}.{version}.{kind}"


def _describe(struct: type[Any], module: str, schemas: dict[str, Any]) -> str:
    """Add a type's schema and those of all types it refers to; the type's name."""
    name = schema_name(module, struct.__name__)
    if name in schemas:
        return name
    schema: dict[str, Any] = {"type": "object", "description": (struct.__doc__ or "").strip(), "properties": {}}
    schemas[name] = schema
    rules = RULES.get(f"{module}.{struct.__name__}", {})
    hints = get_type_hints(struct)
    for field in msgspec.structs.fields(struct):
        described = _schema(hints[field.name], schemas)
        rule = rules.get(field.encode_name)
        if rule is not None:
            if rule.patch_strategy:
                described["x-kubernetes-patch-strategy"] = rule.patch_strategy
            if rule.merge_key:
                described["x-kubernetes-patch-merge-key"] = rule.merge_key
            if rule.topology and described.get("type") == "array":
                described["x-kubernetes-list-type"] = rule.topology
                if rule.map_keys:
                    described["x-kubernetes-list-map-keys"] = list(rule.map_keys)
        schema["properties"][field.encode_name] = described
    return name


def _schema(hint: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        options = [o for o in get_args(hint) if o is not type(None)]
        if len(options) > 1:
            return {"oneOf": [{"type": "string"}, {"type": "integer"}], "format": "int-or-string"}
        return _schema(options[0], schemas)
    if origin is list:
        return {"type": "array", "items": _schema(get_args(hint)[0], schemas)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(get_args(hint)[1], schemas)}
    if origin is not None and get_args(hint):
        return _schema(get_args(hint)[0], schemas)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return {"allOf": [{"$ref": f"#/components/schemas/{_describe(hint, hint.__module__.rpartition('.')[2], schemas)}"}]}
    return {str: {"type": "string"}, bool: {"type": "boolean"}, int: {"type": "integer", "format": "int64"}, float: {"type": "number"}}.get(
        hint, {}
    ).copy()

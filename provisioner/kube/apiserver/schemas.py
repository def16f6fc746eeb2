"""OpenAPI schemas and paths of the served kinds, read off their types and merge rules. Pure."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import msgspec

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api._generated.resources import Resource
from provisioner.kube.api.merge_rules import RULES
from provisioner.kube.apiserver.descriptions import LIST, OBJECT, description
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.version import VERSION

_PACKAGE = "provisioner.kube.api._generated."
_SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number", "format": "double"},
}
# Go's package of each group, as upstream's definitions are named.
_PACKAGES = {
    "meta_v1": "io.k8s.apimachinery.pkg.apis.meta.v1",
    "apiextensions_v1": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
    "apiregistration_v1": "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
}
_WRITE_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")
_METHODS = {
    "get": "get",
    "list": "get",
    "create": "post",
    "update": "put",
    "patch": "patch",
    "delete": "delete",
    "deletecollection": "delete",
}
_ACTIONS = {"create": "post", "update": "put"}


def root_of(resource: Resource) -> str:
    return f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"


def definition_name(cls: type[Any]) -> str:
    module = cls.__module__.removeprefix(_PACKAGE)
    group, _, version = module.rpartition("_")
    return f"{_PACKAGES.get(module, f'io.k8s.api.{group}.{version}')}.{cls.__name__}"


class Definitions:
    """Collects the schemas that are referred to. `prefix` is where references point."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.found: dict[str, dict[str, Any]] = {}

    def reference(self, cls: type[Any]) -> dict[str, Any]:
        name = definition_name(cls)
        if name not in self.found:
            self.found[name] = {}
            self.found[name] = self._struct(cls)
        return {"$ref": self._prefix + name}

    def _struct(self, cls: type[Any]) -> dict[str, Any]:
        module = cls.__module__.removeprefix(_PACKAGE)
        rules = RULES.get(f"{module}.{cls.__name__}", {})
        hints = typing.get_type_hints(cls, include_extras=True)
        properties: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            schema = self.of(hints[field.name])
            rule = rules.get(field.encode_name)
            if rule is not None:
                schema |= _patch_rules(rule)
            text = description(module, cls.__name__, field.encode_name, is_object=hasattr(cls, "KIND"))
            properties[field.encode_name] = self.described(schema, text)
        found: dict[str, Any] = {"type": "object"}
        if properties:
            found["properties"] = properties
        if hasattr(cls, "KIND"):
            found["x-kubernetes-group-version-kind"] = [{"group": cls.GROUP, "version": cls.VERSION, "kind": cls.KIND}]
        return found

    def described(self, schema: dict[str, Any], text: str) -> dict[str, Any]:
        """With a description, which v3 does not allow beside a reference."""
        if not text:
            return schema
        if "$ref" in schema and self.is_v3:
            return {"allOf": [{"$ref": schema["$ref"]}], **{k: v for k, v in schema.items() if k != "$ref"}, "description": text}
        return {**schema, "description": text}

    @property
    def is_v3(self) -> bool:
        return self._prefix.startswith("#/components")

    def of(self, annotation: Any) -> dict[str, Any]:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            base = typing.get_args(annotation)[0]
            return {"type": "integer", "format": "int32"} if base is int else self.of(base)
        if origin in (typing.Union, types.UnionType):
            options = [a for a in typing.get_args(annotation) if a is not type(None)]
            if len(options) == 1:
                return self.of(options[0])
            # Quantities and int-or-string are strings to those who read schemas.
            return {"type": "string", "format": "int-or-string"} if set(options) == {int, str} else {"type": "string"}
        if origin is list:
            return {"type": "array", "items": self.of(typing.get_args(annotation)[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(typing.get_args(annotation)[1])}
        if annotation in _SCALARS:
            return dict(_SCALARS[annotation])
        if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
            return self.reference(annotation)
        # `kubectl explain` can't show a schema that says nothing at all.
        return {"type": "object"} if annotation is dict else {"description": "Any JSON value."}


def _patch_rules(rule: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rule.patch_strategy:
        found["x-kubernetes-patch-strategy"] = rule.patch_strategy
    if rule.merge_key:
        found["x-kubernetes-patch-merge-key"] = rule.merge_key
    if rule.topology:
        found["x-kubernetes-list-type" if rule.shape == "list" else "x-kubernetes-map-type"] = rule.topology
    if rule.map_keys:
        found["x-kubernetes-list-map-keys"] = list(rule.map_keys)
    return found


def _schema(kind: Kind, definitions: Definitions) -> dict[str, Any]:
    own = getattr(kind, "openapi", None)
    if own is not None:
        name, schema = own()
        metadata = definitions.described(definitions.reference(meta_v1.ObjectMeta), OBJECT["metadata"])
        definitions.found[name] = {**schema, "properties": {**schema["properties"], "metadata": metadata}}
        _list_of(kind, name, definitions)
        return {"$ref": definitions._prefix + name}
    reference = definitions.reference(kind.struct)
    listed = getattr(import_module(_PACKAGE + kind.resource.module), f"{kind.resource.kind}List", None)
    if listed is not None:
        definitions.reference(listed)
    return reference


def _list_of(kind: Kind, name: str, definitions: Definitions) -> None:
    """The list type of a custom kind."""
    resource = kind.resource
    properties: dict[str, Any] = {part: {"type": "string", "description": OBJECT[part]} for part in ("apiVersion", "kind")}
    properties["items"] = {"type": "array", "items": {"$ref": definitions._prefix + name}, "description": LIST["items"]}
    properties["metadata"] = definitions.described(definitions.reference(meta_v1.ListMeta), LIST["metadata"])
    gvk = {"group": resource.group, "version": resource.version, "kind": kind.list_kind}
    definitions.found[f"{name.rpartition('.')[0]}.{kind.list_kind}"] = {
        "type": "object",
        "description": f"{kind.list_kind} is a list of {resource.kind}",
        "required": ["items"],
        "properties": properties,
        "x-kubernetes-group-version-kind": [gvk],
    }


def _paths(kind: Kind) -> Iterable[tuple[str, str, str]]:
    """(path, verb, subresource) of each operation."""
    resource = kind.resource
    root = f"/{root_of(resource)}" + ("/namespaces/{namespace}" if resource.namespaced else "")
    for verb in resource.verbs:
        if verb in _METHODS:
            path = f"{root}/{resource.plural}"
            yield (path if verb in ("list", "create", "deletecollection") else path + "/{name}"), verb, ""
    for sub in resource.subresources:
        for verb in sub.verbs:
            if verb in _METHODS:
                yield f"{root}/{resource.plural}/{{name}}/{sub.name}", verb, sub.name


def v3(kinds: list[Kind]) -> dict[str, Any]:
    """The document of one group and version."""
    definitions = Definitions("#/components/schemas/")
    paths: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        reference = _schema(kind, definitions)
        resource = kind.resource
        gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        for path, verb, sub in _paths(kind):
            operation = _operation(resource, verb, sub, gvk)
            operation["responses"] = {"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}}
            if verb in ("create", "update"):
                operation["requestBody"] = {"content": {"*/*": {"schema": reference}}}
            elif verb == "patch":
                patch = {"type": "object"}
                operation["requestBody"] = {"content": {media: {"schema": patch} for media in patches_of(kind)}}
            paths.setdefault(path, {"parameters": _path_parameters(path, {"schema": {"type": "string"}})})[_METHODS[verb]] = operation
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION},
        "paths": paths,
        "components": {"schemas": definitions.found},
    }


def patches_of(kind: Kind) -> list[str]:
    """The media types of patches that a kind takes: kubectl sends a strategic one wherever it finds it here."""
    names = ["apply-patch+yaml", "json-patch+json", "merge-patch+json"]
    return [f"application/{name}" for name in (names if kind.type_key is None else [*names, "strategic-merge-patch+json"])]


def v2(kinds: list[Kind]) -> dict[str, Any]:
    """The one document of everything (Swagger 2.0)."""
    definitions = Definitions("#/definitions/")
    paths: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        reference = _schema(kind, definitions)
        resource = kind.resource
        gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        for path, verb, sub in _paths(kind):
            operation = _operation(resource, verb, sub, gvk, {"type": "string"})
            operation["responses"] = {"200": {"description": "OK", "schema": reference}}
            if verb in ("create", "update", "patch"):
                body = {"name": "body", "in": "body", "required": True, "schema": reference if verb != "patch" else {"type": "object"}}
                operation["parameters"] = [body, *operation["parameters"]]
                operation["consumes"] = patches_of(kind) if verb == "patch" else ["*/*"]
            paths.setdefault(path, {"parameters": _path_parameters(path, {"type": "string"})})[_METHODS[verb]] = operation
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": VERSION},
        "paths": paths,
        "definitions": definitions.found,
    }


def _operation(resource: Resource, verb: str, sub: str, gvk: dict[str, str], type_: dict[str, Any] | None = None) -> dict[str, Any]:
    """One verb; `type_` is how a parameter says its type in v2, None for v3's way."""
    names: tuple[str, ...] = _WRITE_PARAMETERS if verb in ("create", "update", "patch") else ()
    if verb == "patch":
        names += ("force",)
    if verb in ("list", "deletecollection"):
        names = ("continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "timeoutSeconds", "watch")
    spec = type_ if type_ is not None else {"schema": {"type": "string"}}
    group = "".join(part.capitalize() for part in resource.group.partition(".")[0].split("-")) or "Core"
    scope = "Namespaced" if resource.namespaced else ""
    return {
        "operationId": f"{verb}{group}{resource.version.capitalize()}{scope}{resource.kind}{sub.capitalize()}",
        "parameters": [{"name": n, "in": "query", **spec} for n in names],
        "x-kubernetes-action": _ACTIONS.get(verb, verb),
        "x-kubernetes-group-version-kind": gvk,
    }


def _path_parameters(path: str, spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": n, "in": "path", "required": True, **spec} for n in ("namespace", "name") if f"{{{n}}}" in path]

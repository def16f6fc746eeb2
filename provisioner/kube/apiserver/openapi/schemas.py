"""OpenAPI documents of the served kinds: schemas read off their types, merge rules and generated facts; apiserver/openapi/operations.py adds paths. Pure."""

from __future__ import annotations

import types
import typing
from importlib import import_module
from typing import Any

import msgspec

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api._generated.resources import Resource
from provisioner.kube.api.merge_rules import RULES
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.openapi import custom_v2, operations
from provisioner.kube.apiserver.openapi.descriptions import LIST, OBJECT, description
from provisioner.kube.apiserver.openapi.field_descriptions import described
from provisioner.kube.apiserver.openapi.general_paths import SECURITY, general_paths
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
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_EITHER = [{"type": "string"}, {"type": "number"}]
# Plain values with a name: (v2, v3).
_NAMED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ({"type": "string"}, {"oneOf": _EITHER}),
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": (
        {"type": "string", "format": "int-or-string"},
        {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    ),
    **{f"{_META}{name}": ({"type": "string", "format": "date-time"},) * 2 for name in ("Time", "MicroTime")},
    **{name: ({"type": "object"},) * 2 for name in (f"{_META}FieldsV1", "io.k8s.apimachinery.pkg.runtime.RawExtension")},
}
# `kubectl explain` can't show a schema that says nothing at all.
_ANYTHING = {"description": "Any JSON value."}


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
        required, named = _facts(f"{module}.{cls.__name__}")
        properties: dict[str, Any] = {}
        for field in msgspec.structs.fields(cls):
            schema = self.of(hints[field.name])
            if field.encode_name in named:
                schema = self._with_items(schema, self._value(named[field.encode_name]))
            rule = rules.get(field.encode_name)
            if rule is not None:
                schema = self._with(schema, _patch_rules(rule))
            text = description(module, cls.__name__, field.encode_name, is_object=hasattr(cls, "KIND"))
            properties[field.encode_name] = self.described(schema, text)
        found: dict[str, Any] = {"type": "object"}
        if properties:
            found["properties"] = properties
        if required:
            found["required"] = required
        if text := described(f"{module}.{cls.__name__}"):
            found["description"] = text
        if hasattr(cls, "KIND"):
            found["x-kubernetes-group-version-kind"] = [{"group": cls.GROUP, "version": cls.VERSION, "kind": cls.KIND}]
        return found

    def _value(self, name: str) -> dict[str, Any]:
        """A plain value: bytes, or one whose definition has a name."""
        if name == "byte":
            return {"type": "string", "format": "byte"}
        if name not in self.found:
            self.found[name] = dict(_NAMED[name][self.is_v3]) if name in _NAMED else dict(_ANYTHING)
        return {"$ref": self._prefix + name}

    @staticmethod
    def _with_items(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
        """The schema of a list or a map with other items; of anything else, what stands for it."""
        for part in ("items", "additionalProperties"):
            if part in schema and not (value.get("$ref") or "").endswith("FieldsV1"):
                return {**schema, part: value}
        return value

    def kind(self, kind: Kind) -> tuple[dict[str, Any], dict[str, Any]]:
        """References to the kind's schema and to its list's; a kind that is never listed stands for its own list."""
        own = getattr(kind, "openapi", None)
        if own is not None:
            name, schema = own()
            metadata = self.described(self.reference(meta_v1.ObjectMeta), OBJECT["metadata"])
            complete = {**schema, "properties": {**schema["properties"], "metadata": metadata}}
            self.found[name] = complete if self.is_v3 else custom_v2.whole(complete)
            return {"$ref": self._prefix + name}, {"$ref": self._prefix + _list_of(kind, name, self)}
        reference = self.reference(kind.struct)
        listed = getattr(import_module(_PACKAGE + kind.resource.module), f"{kind.resource.kind}List", None)
        return reference, reference if listed is None else self.reference(listed)

    def body(self, group: str, version: str, name: str) -> dict[str, Any]:
        """A reference to the schema of what a subresource takes."""
        module = {"": "core", "meta.k8s.io": "meta"}.get(group, group.partition(".")[0])
        found = getattr(import_module(f"{_PACKAGE}{module}_{version}"), name, None)
        return self.reference(found) if found is not None else {"type": "object"}

    def described(self, schema: dict[str, Any], text: str) -> dict[str, Any]:
        return self._with(schema, {"description": text}) if text else schema

    def _with(self, schema: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        """With further members, which v3 does not allow beside a reference."""
        if "$ref" in schema and more and self.is_v3:
            return {"allOf": [schema], **more}
        return {**schema, **more}

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
        return {"type": "object"} if annotation is dict else dict(_ANYTHING)


def _facts(type_name: str) -> tuple[list[str], dict[str, str]]:
    """(required fields, field -> its value's definition)."""
    from provisioner.kube.api._generated.openapi_facts import LINES

    required, named = [], {}
    for mark in LINES.get(type_name, "").split():
        field, _, value = mark.partition("=")
        if field.endswith("!"):
            required.append(field[:-1])
        if value:
            named[field.rstrip("!")] = value
    return required, named


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


def _list_of(kind: Kind, name: str, definitions: Definitions) -> str:
    """The name of a custom kind's list type, which is added."""
    resource = kind.resource
    properties: dict[str, Any] = {part: {"type": "string", "description": OBJECT[part]} for part in ("apiVersion", "kind")}
    properties["items"] = {"type": "array", "items": {"$ref": definitions._prefix + name}, "description": LIST["items"]}
    properties["metadata"] = definitions.described(definitions.reference(meta_v1.ListMeta), LIST["metadata"])
    gvk = {"group": resource.group, "version": resource.version, "kind": kind.list_kind}
    listed = f"{name.rpartition('.')[0]}.{kind.list_kind}"
    definitions.found[listed] = {
        "type": "object",
        "description": f"{kind.list_kind} is a list of {resource.kind}",
        "required": ["items"],
        "properties": properties,
        "x-kubernetes-group-version-kind": [gvk],
    }
    return listed


def v3(kinds: list[Kind]) -> dict[str, Any]:
    """The document of one group and version."""
    definitions = Definitions("#/components/schemas/")
    paths = operations.paths(kinds, definitions)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION},
        "paths": paths,
        "components": {"schemas": definitions.found},
    }


def v2(kinds: list[Kind]) -> dict[str, Any]:
    """The one document of everything (Swagger 2.0)."""
    definitions = Definitions("#/definitions/")
    paths = general_paths(kinds, definitions) | operations.paths(kinds, definitions)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": VERSION},
        "paths": paths,
        "definitions": definitions.found,
        **SECURITY,
    }

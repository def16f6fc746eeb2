"""Proves that OpenAPI documents name what kubectl looks for, and that their protobuf form can be read back."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.kube.apiserver.openapi import openapi_protobuf, operations, schemas
from provisioner.kube.apiserver.registry import Registry
from tests.protobuf_fields import fields


@pytest.fixture(scope="module")
def kinds() -> list[Any]:
    return Registry().kinds()


def test_v3_of_apps(kinds: list[Any]) -> None:
    document = schemas.v3([k for k in kinds if schemas.root_of(k.resource) == "apis/apps/v1"])
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "fieldValidation" in [p["name"] for p in patch["parameters"]]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    spec = document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]
    assert spec["containers"]["x-kubernetes-patch-merge-key"] == "name"
    assert spec["containers"]["items"] == {"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}


def test_what_types_do_not_say(kinds: list[Any]) -> None:
    """Required fields, bytes, and plain values whose definitions have names."""
    found = schemas.v3([k for k in kinds if schemas.root_of(k.resource) == "api/v1"])["components"]["schemas"]
    core, meta = "io.k8s.api.core.v1.", "io.k8s.apimachinery.pkg.apis.meta.v1."
    assert found[f"{core}ContainerPort"]["required"] == ["containerPort"] and "required" not in found[f"{core}Pod"]
    assert found[f"{core}Secret"]["properties"]["data"]["additionalProperties"] == {"type": "string", "format": "byte"}
    quantity = {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"}
    assert found[f"{core}ResourceRequirements"]["properties"]["limits"]["additionalProperties"] == quantity
    assert found[f"{meta}Time"] == {"type": "string", "format": "date-time"} and found[f"{meta}FieldsV1"] == {"type": "object"}
    entry = found[f"{meta}ManagedFieldsEntry"]["properties"]["fieldsV1"]
    assert entry == {"allOf": [{"$ref": f"#/components/schemas/{meta}FieldsV1"}], "x-kubernetes-map-type": "atomic"} or "$ref" in entry
    assert {"type": "integer"} in found["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["oneOf"]


def test_only_built_in_kinds_take_strategic_patches(kinds: list[Any]) -> None:
    document = schemas.v2(kinds)
    consumes = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]["consumes"]
    assert "application/strategic-merge-patch+json" in consumes and "application/apply-patch+yaml" in consumes
    assert operations.patches_of(SimpleNamespace(type_key=None)) == [  # type: ignore[arg-type]
        "application/apply-patch+yaml",
        "application/json-patch+json",
        "application/merge-patch+json",
    ]


def test_every_reference_leads_somewhere(kinds: list[Any]) -> None:
    document = schemas.v2(kinds)

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    assert {r.removeprefix("#/definitions/") for r in references(document)} <= set(document["definitions"])


def test_protobuf_form() -> None:
    node = {"type": "object", "properties": {"a": {"type": "string"}}, "x-kubernetes-group-version-kind": [{"kind": "A"}]}
    document = {"swagger": "2.0", "info": {"title": "t", "version": "v"}, "paths": {}, "definitions": {"A": node}}
    parts = dict(fields(openapi_protobuf.encode(document)))
    assert parts[1] == b"2.0"
    ((_, named),) = fields(parts[9])
    name, schema = fields(named)
    assert name == (1, b"A")
    inside = fields(schema[1])
    assert (22, b"\x0a\x06object") in inside
    extension = fields(next(value for number, value in inside if number == 31))
    assert extension[0] == (1, b"x-kubernetes-group-version-kind") and b'[{"kind":"A"}]' in extension[1][1]

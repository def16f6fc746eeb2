"""Proves that OpenAPI v2 has what is no resource, under the operations that clients are generated from."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.apiserver.documents import VERSION
from provisioner.kube.apiserver.openapi import openapi_protobuf, schemas
from provisioner.kube.apiserver.registry import Registry


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return schemas.v2(Registry().kinds())


@pytest.mark.parametrize(
    ("path", "operation", "tag", "answer"),
    [
        ("/version/", "getCodeVersion", "version", "io.k8s.apimachinery.pkg.version.Info"),
        ("/api/", "getCoreAPIVersions", "core", "io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions"),
        ("/api/v1/", "getCoreV1APIResources", "core_v1", "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList"),
        ("/apis/", "getAPIVersions", "apis", "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList"),
        ("/apis/apps/", "getAppsAPIGroup", "apps", "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup"),
        ("/apis/rbac.authorization.k8s.io/v1/", "getRbacAuthorizationV1APIResources", "rbacAuthorization_v1", "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList"),
    ],
)  # fmt: skip
def test_paths(document: dict[str, Any], path: str, operation: str, tag: str, answer: str) -> None:
    found = document["paths"][path]["get"]
    assert (found["operationId"], found["tags"]) == (operation, [tag])
    assert found["responses"]["200"]["schema"] == {"$ref": f"#/definitions/{answer}"} and answer in document["definitions"]


def test_the_version_is_what_is_said_of_it(document: dict[str, Any]) -> None:
    info = document["definitions"]["io.k8s.apimachinery.pkg.version.Info"]
    assert set(info["required"]) <= set(VERSION) <= set(info["properties"])
    assert document["securityDefinitions"]["BearerToken"]["name"] == "authorization"
    assert b"getCodeVersion" in openapi_protobuf.encode(document)

"""Proves which paths and verbs there are; above all that nothing of the whole cluster is reached through a namespace."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api.errors import PageNotFound, StatusError
from provisioner.kube.apiserver.custom.objects import CustomKind
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.requests import target_of
from provisioner.kube.apiserver.routes import check_route

REGISTRY = Registry()
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def answered(method: str, path: str) -> int:
    path, _, query = path.partition("?")
    target = target_of(method, path, dict(part.split("=") for part in query.split("&") if part))
    kind = REGISTRY.find(target.group, target.version, target.resource)
    assert kind is not None, path
    try:
        check_route(kind, target)
    except StatusError as error:
        return error.code
    return 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/ns/nodes",
        "/api/v1/namespaces/ns/nodes/n",
        "/api/v1/namespaces/ns/nodes/n/proxy/pods",
        "/api/v1/namespaces/ns/nodes/n/status",
        "/api/v1/namespaces/ns/nodes?watch=1",
        "/api/v1/namespaces/ns/persistentvolumes",
        "/api/v1/namespaces/ns/namespaces",
        "/api/v1/namespaces/ns/namespaces/ns",
        "/api/v1/namespaces/ns/namespaces/other",
        f"{RBAC}/namespaces/ns/clusterroles",
        f"{RBAC}/namespaces/ns/clusterroles/cluster-admin",
        "/apis/authorization.k8s.io/v1/namespaces/ns/selfsubjectaccessreviews",
        "/api/v1/pods/p",
        "/api/v1/namespaces/ns/pods/p/token",
        "/apis/apps/v1/namespaces/ns/deployments/d/exec",
    ],
)
def test_no_such_path(method: str, path: str) -> None:
    assert answered(method, path) == 404


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v1/namespaces", "GET POST"),
        ("/api/v1/namespaces/ns", "GET PUT PATCH DELETE"),
        ("/api/v1/namespaces/ns/status", "GET PUT PATCH"),
        ("/api/v1/namespaces/ns/finalize", "PUT"),
        ("/api/v1/nodes", "GET POST DELETE"),
        ("/api/v1/nodes/n", "GET PUT PATCH DELETE"),
        ("/api/v1/nodes/n/proxy", "GET POST PUT PATCH DELETE"),
        ("/api/v1/pods", "GET"),
        ("/api/v1/pods?watch=1", "GET"),
        ("/api/v1/namespaces/ns/pods", "GET POST DELETE"),
        ("/api/v1/namespaces/ns/pods/p/status", "GET PUT PATCH"),
        ("/api/v1/namespaces/ns/pods/p/ephemeralcontainers", "GET PUT PATCH"),
        ("/api/v1/namespaces/ns/pods/p/exec", "GET POST"),
        ("/api/v1/namespaces/ns/pods/p/log", "GET"),
        ("/api/v1/namespaces/ns/pods/p/eviction", "POST"),
        ("/api/v1/namespaces/ns/pods/p/binding", "POST"),
        ("/api/v1/namespaces/ns/bindings", "POST"),
        ("/api/v1/namespaces/ns/serviceaccounts/s/token", "POST"),
        ("/apis/apps/v1/namespaces/ns/deployments/d/scale", "GET PUT PATCH"),
        ("/apis/authentication.k8s.io/v1/tokenreviews", "POST"),
        ("/apis/authorization.k8s.io/v1/namespaces/ns/localsubjectaccessreviews", "POST"),
        ("/api/v1/componentstatuses", "GET"),
    ],
)
def test_verbs_of_a_path(path: str, methods: str) -> None:
    found = {method: answered(method, path) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")}
    assert found == {method: 200 if method in methods.split() else 405 for method in found}


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/apis/example.com/v1/namespaces/ns/widgets/w/status", 'widgets.example.com "w" not found'),
        ("GET", "/apis/example.com/v1/namespaces/ns/widgets/w/exec", 'widgets.example.com "w" not found'),
        ("POST", "/apis/example.com/v1/namespaces/ns/widgets/w", 'create is not supported on resources of kind "widgets.example.com"'),
    ],
)
def test_what_custom_resources_have_not(method: str, path: str, told: str) -> None:
    with pytest.raises(StatusError) as refused:
        check_route(_widgets(), target_of(method, path, {}))
    assert refused.value.message == told


def test_custom_resources_are_not_named_outside_their_namespace() -> None:
    with pytest.raises(PageNotFound):
        check_route(_widgets(), target_of("GET", "/apis/example.com/v1/widgets/w", {}))


def _widgets() -> CustomKind:
    versions = [{"name": "v1", "served": True, "storage": True}]
    names = {"plural": "widgets", "kind": "Widget"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": versions}
    nobody: Any = None  # calls no webhook
    return CustomKind(msgspec.json.encode({"metadata": {}, "spec": spec}), "v1", "v1", nobody)

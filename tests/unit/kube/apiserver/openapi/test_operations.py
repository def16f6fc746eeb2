"""Proves that operations have the ids, options and answers that upstream's client generators go by."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.apiserver.openapi import schemas
from provisioner.kube.apiserver.openapi.operations import group_name
from provisioner.kube.apiserver.registry import Registry


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return schemas.v2(Registry().kinds())


POD = "/api/v1/namespaces/{namespace}/pods/{name}"


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        (POD, "get", "readCoreV1NamespacedPod"),
        (POD, "put", "replaceCoreV1NamespacedPod"),
        (f"{POD}/status", "patch", "patchCoreV1NamespacedPodStatus"),
        (f"{POD}/exec", "post", "connectCoreV1PostNamespacedPodExec"),
        (f"{POD}/proxy/{{path}}", "get", "connectCoreV1GetNamespacedPodProxyWithPath"),
        (f"{POD}/log", "get", "readCoreV1NamespacedPodLog"),
        (f"{POD}/eviction", "post", "createCoreV1NamespacedPodEviction"),
        ("/api/v1/pods", "get", "listCoreV1PodForAllNamespaces"),
        ("/api/v1/nodes", "get", "listCoreV1Node"),
        ("/apis/apps/v1/namespaces/{namespace}/deployments", "delete", "deleteAppsV1CollectionNamespacedDeployment"),
        ("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale", "get", "readAppsV1NamespacedDeploymentScale"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles", "post", "createRbacAuthorizationV1ClusterRole"),
        ("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", "get", "listFlowcontrolApiserverV1FlowSchema"),
    ],
)
def test_ids(document: dict[str, Any], path: str, method: str, expected: str) -> None:
    assert document["paths"][path][method]["operationId"] == expected


def test_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [o["operationId"] for item in document["paths"].values() for method, o in item.items() if method != "parameters"]
    assert len(ids) == len(set(ids)) > 700


def test_answers_and_bodies(document: dict[str, Any]) -> None:
    pods, pod = document["paths"]["/api/v1/namespaces/{namespace}/pods"], document["paths"][POD]

    def answer(operation: dict[str, Any], code: str = "200") -> str:
        return str(operation["responses"][code]["schema"]["$ref"]).rpartition(".")[2]

    assert (answer(pods["get"]), answer(pods["post"], "201"), answer(pod["get"])) == ("PodList", "Pod", "Pod")
    assert (answer(pod["delete"]), answer(pods["delete"])) == ("Status", "Status")
    body = next(p for p in pod["delete"]["parameters"] if p["in"] == "body")
    assert body["schema"]["$ref"].endswith("DeleteOptions") and "required" not in body
    options = {p["name"]: p.get("type") for p in pods["get"]["parameters"]}
    assert (options["limit"], options["watch"], options["labelSelector"]) == ("integer", "boolean", "string")
    eviction = document["paths"][f"{POD}/eviction"]["post"]
    assert answer(eviction, "201") == "Eviction" and eviction["x-kubernetes-group-version-kind"]["group"] == "policy"


@pytest.mark.parametrize(("group", "name"), [("", "Core"), ("events.k8s.io", "Events"), ("stable.example.com", "StableExampleCom")])
def test_groups(group: str, name: str) -> None:
    assert group_name(group) == name

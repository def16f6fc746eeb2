"""Proves that the official Python client works unchanged: it is generated from the real API's description."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import client, config, watch

from tests.e2e.lab import Cluster, eventually
from tests.e2e.manifests import BUSYBOX


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as made:
        yield made


def test_pods_are_made_watched_read_and_removed(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    container = client.V1Container(name="main", image=BUSYBOX, command=["sleep", "3600"])
    body = client.V1Pod(
        metadata=client.V1ObjectMeta(name="typed", labels={"made-by": "client"}),
        spec=client.V1PodSpec(containers=[container], termination_grace_period_seconds=1),
    )
    core.create_namespaced_pod("default", body)
    try:
        seen = []
        for event in watch.Watch().stream(core.list_namespaced_pod, "default", label_selector="made-by=client", timeout_seconds=60):
            seen.append(event["type"])
            if event["object"].status.phase == "Running":
                break
        assert seen[0] == "ADDED" and "MODIFIED" in seen
        read = core.read_namespaced_pod("typed", "default")
        assert read.status.pod_ip and read.spec.node_name
    finally:
        core.delete_namespaced_pod("typed", "default")
    eventually(lambda: not core.list_namespaced_pod("default", label_selector="made-by=client").items, 40, "the pod is gone")


def test_conflicts_and_errors_are_the_clients_own(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    made = core.create_namespaced_config_map("default", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="raced"), data={"a": "1"}))
    try:
        core.patch_namespaced_config_map("raced", "default", {"data": {"a": "2"}})
        made.data = {"a": "3"}
        with pytest.raises(client.ApiException) as conflict:
            core.replace_namespaced_config_map("raced", "default", made)
        assert conflict.value.status == 409
        with pytest.raises(client.ApiException) as absent:
            core.read_namespaced_config_map("nothing", "default")
        assert absent.value.status == 404
        assert '"reason":"NotFound"' in absent.value.body.replace(" ", "")
    finally:
        core.delete_namespaced_config_map("raced", "default")


def test_nodes_versions_and_discovery(api: client.ApiClient) -> None:
    assert len(client.CoreV1Api(api).list_node().items) == 3
    assert client.VersionApi(api).get_code().major == "1"
    names = {group.name for group in client.ApisApi(api).get_api_versions().groups}
    assert {"apps", "coordination.k8s.io", "discovery.k8s.io", "rbac.authorization.k8s.io"} <= names

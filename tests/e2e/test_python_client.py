"""Proves that the official Python client works unchanged: it is generated from the real API's description."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from kubernetes import client, config, watch
from kubernetes.stream import portforward, stream

from tests.e2e.lab import Cluster, eventually
from tests.e2e.manifests import BUSYBOX


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as made:
        yield made


def fetched_through(core: client.CoreV1Api, pod: str, port: int) -> bytes:
    """What HTTP answers through a port-forward; the pod's end closes it."""
    forwarded = portforward(core.connect_get_namespaced_pod_portforward, pod, "default", ports=str(port))
    with closing(forwarded.socket(port)) as connection:
        connection.settimeout(10)
        connection.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    forwarded.websocket.shutdown()  # the client leaves it open when the server has closed it
    assert forwarded.error(port) is None, forwarded.error(port)
    return answer


def test_pods_are_made_watched_read_and_removed(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    container = client.V1Container(name="main", image=BUSYBOX, command=["sh", "-c", "echo served >/index.html; exec httpd -f -p 8080 -h /"])
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
        script = "until wget -q -O /dev/null http://127.0.0.1:8080/index.html; do sleep 0.1; done; hostname; exit 3"
        shell = stream(core.connect_get_namespaced_pod_exec, "typed", "default", command=["sh", "-c", script], _preload_content=False)
        shell.run_forever(timeout=20)
        shell.sock.shutdown()
        assert (shell.read_stdout(), shell.returncode) == ("typed\n", 3)
        assert fetched_through(core, "typed", 8080).endswith(b"served\n")
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

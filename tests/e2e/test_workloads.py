"""Proves the life of pods on real nodes: made, seen, spoken to, brought back when killed, replaced when deleted, rolled and rolled back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.lab import WORKERS, Cluster, eventually
from tests.e2e.manifests import BUSYBOX, pod, web

NAMES = ("web", "steady")


@pytest.fixture(scope="module", autouse=True)
def tidy(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.kubectl("delete", "deployment,daemonset,pod", "--all", timeout_s=120)
    cluster.kubectl("delete", "configmap/settings", "secret/hidden", timeout_s=60)


@pytest.fixture(scope="module")
def deployed(cluster: Cluster) -> Cluster:
    cluster.apply(web("web", replicas=4))
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=90s", timeout_s=100).ok()
    return cluster


def test_pods_spread_over_workers_with_addresses_of_their_node(deployed: Cluster) -> None:
    pods = deployed.ready_pods("app=web")
    assert len(pods) == 4
    assert set(WORKERS) <= {one["spec"]["nodeName"] for one in pods}
    ranges = {node["metadata"]["name"]: node["spec"]["podCIDR"] for node in deployed.json("get", "nodes")["items"]}
    for one in pods:
        prefix = ranges[one["spec"]["nodeName"]].rpartition(".")[0]
        assert one["status"]["podIP"].startswith(prefix + ".")
    assert len({one["status"]["podIP"] for one in pods}) == 4


def test_logs_exec_and_describe(cluster: Cluster) -> None:
    cluster.apply(pod("speaker", "echo first; echo second; sleep 3600"))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/speaker", "--timeout=60s", timeout_s=70).ok()
    assert cluster.kubectl("logs", "speaker").ok().stdout == "first\nsecond\n"
    assert cluster.kubectl("logs", "speaker", "--tail=1").ok().stdout == "second\n"
    assert cluster.kubectl("exec", "speaker", "--", "hostname").ok().stdout.strip() == "speaker"
    assert cluster.kubectl("exec", "-i", "speaker", "--", "cat", stdin="through the pipe").ok().stdout == "through the pipe"
    assert cluster.kubectl("exec", "speaker", "--", "sh", "-c", "exit 7").code == 7
    described = cluster.kubectl("describe", "pod", "speaker").ok().stdout
    assert "Scheduled" in described and BUSYBOX in described


def test_watch_shows_a_pod_appear(cluster: Cluster) -> None:
    argv = [cluster.kubectl_binary, "--kubeconfig", cluster.kubeconfig, "get", "pods", "-w", "-l", "app=watched", "-o", "name"]
    watch = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        cluster.apply(pod("watched", "sleep 3600"))
        assert watch.stdout is not None
        assert watch.stdout.readline().strip() == "pod/watched"
    finally:
        watch.kill()
        watch.wait()
        assert watch.stdout is not None
        watch.stdout.close()


def test_a_killed_container_comes_back_with_back_off(cluster: Cluster) -> None:
    cluster.apply(pod("phoenix", "sleep 3600"))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/phoenix", "--timeout=60s", timeout_s=70).ok()
    for wanted in (1, 2):
        status = cluster.json("get", "pod", "phoenix")
        container = status["status"]["containerStatuses"][0]["containerID"].removeprefix("docker://")
        cluster.ssh(status["spec"]["nodeName"], f"docker kill {container}").ok()

        def restarted(count: int = wanted) -> bool:
            found = cluster.json("get", "pod", "phoenix")["status"]["containerStatuses"][0]
            return bool(found["restartCount"] >= count and found["ready"])

        eventually(restarted, 60, f"restart {wanted}")


def test_a_container_that_ends_again_and_again_is_in_back_off(cluster: Cluster) -> None:
    cluster.apply(pod("restless", "exit 1"))

    def waiting() -> bool:
        found = cluster.json("get", "pod", "restless")["status"].get("containerStatuses", [{}])[0]
        return bool(found.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff" and found["restartCount"] >= 1)

    eventually(waiting, 60, "CrashLoopBackOff")
    cluster.kubectl("delete", "pod", "restless", "--timeout=30s").ok()


def test_a_deleted_pod_of_a_replica_set_is_replaced(deployed: Cluster) -> None:
    before = {one["metadata"]["name"] for one in deployed.ready_pods("app=web")}
    victim = sorted(before)[0]
    deployed.kubectl("delete", "pod", victim, "--timeout=40s").ok()

    def replaced() -> bool:
        now = {one["metadata"]["name"] for one in deployed.ready_pods("app=web")}
        return len(now) == 4 and victim not in now

    eventually(replaced, 45, "a new pod in its place")


def test_rollout_and_rollback(cluster: Cluster) -> None:
    cluster.apply(web("rolled", replicas=2, text="one"))
    cluster.kubectl("rollout", "status", "deployment/rolled", "--timeout=90s", timeout_s=100).ok()
    cluster.apply(web("rolled", replicas=2, text="two"))
    cluster.kubectl("rollout", "status", "deployment/rolled", "--timeout=90s", timeout_s=100).ok()

    def page() -> set[str]:
        names = [one["metadata"]["name"] for one in cluster.ready_pods("app=rolled")]
        return {cluster.kubectl("exec", name, "--", "cat", "/www/index.html").ok().stdout.strip() for name in names}

    eventually(lambda: page() == {"two"}, 30, "only new pods")
    cluster.kubectl("rollout", "undo", "deployment/rolled").ok()
    cluster.kubectl("rollout", "status", "deployment/rolled", "--timeout=90s", timeout_s=100).ok()
    eventually(lambda: page() == {"one"}, 30, "the first version again")


def test_volumes_environment_and_service_account(cluster: Cluster) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"color": "blue"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hidden"}, "stringData": {"word": "sesame"}}
    command = "cat /config/color /hidden/word /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo $COLOR $WHERE; sleep 3600"
    reader = pod(
        "reader",
        command,
        env=[
            {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}},
            {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        volumeMounts=[
            {"name": "config", "mountPath": "/config"},
            {"name": "hidden", "mountPath": "/hidden"},
            {"name": "scratch", "mountPath": "/scratch"},
        ],
    )
    reader["spec"]["volumes"] = [
        {"name": "config", "configMap": {"name": "settings"}},
        {"name": "hidden", "secret": {"secretName": "hidden"}},
        {"name": "scratch", "emptyDir": {}},
    ]
    cluster.apply(config, secret, reader)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/reader", "--timeout=60s", timeout_s=70).ok()
    node = cluster.json("get", "pod", "reader")["spec"]["nodeName"]
    assert cluster.kubectl("logs", "reader").ok().stdout.split() == ["bluesesamedefaultblue", node]


def test_init_containers_run_first_and_probes_gate_readiness(cluster: Cluster) -> None:
    gated = pod(
        "gated",
        "sleep 1; touch /shared/ready; sleep 3600",
        readinessProbe={"exec": {"command": ["test", "-e", "/shared/ready"]}, "periodSeconds": 1},
        volumeMounts=[{"name": "shared", "mountPath": "/shared"}],
    )
    gated["spec"]["initContainers"] = [
        {
            "name": "first",
            "image": BUSYBOX,
            "command": ["sh", "-c", "echo prepared > /shared/init"],
            "volumeMounts": [{"name": "shared", "mountPath": "/shared"}],
        }
    ]
    gated["spec"]["volumes"] = [{"name": "shared", "emptyDir": {}}]
    cluster.apply(gated)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/gated", "--timeout=60s", timeout_s=70).ok()
    assert cluster.kubectl("exec", "gated", "--", "cat", "/shared/init").ok().stdout.strip() == "prepared"


def test_a_failing_liveness_probe_restarts_the_container(cluster: Cluster) -> None:
    probe = {"exec": {"command": ["test", "-e", "/alive"]}, "periodSeconds": 1, "failureThreshold": 2}
    cluster.apply(pod("mortal", "touch /alive; sleep 3; rm /alive; sleep 3600", livenessProbe=probe))
    eventually(lambda: cluster.json("get", "pod", "mortal")["status"]["containerStatuses"][0]["restartCount"] >= 1, 60, "a restart")
    cluster.kubectl("delete", "pod", "mortal", "--timeout=30s").ok()


def test_a_pod_that_fits_nowhere_says_why_and_is_placed_when_it_fits(cluster: Cluster) -> None:
    picky = pod("picky", "sleep 3600")
    picky["spec"]["nodeSelector"] = {"disk": "fast"}
    cluster.apply(picky)

    def told() -> bool:
        conditions = {c["type"]: c for c in cluster.json("get", "pod", "picky")["status"].get("conditions", [])}
        return conditions.get("PodScheduled", {}).get("reason") == "Unschedulable" and "3" in conditions["PodScheduled"]["message"]

    eventually(told, 20, "Unschedulable with its reason")
    cluster.kubectl("label", "node", "worker-2", "disk=fast").ok()
    try:
        cluster.kubectl("wait", "--for=condition=Ready", "pod/picky", "--timeout=60s", timeout_s=70).ok()
        assert cluster.json("get", "pod", "picky")["spec"]["nodeName"] == "worker-2"
    finally:
        cluster.kubectl("label", "node", "worker-2", "disk-").ok()
        cluster.kubectl("delete", "pod", "picky", "--timeout=30s").ok()


def test_a_daemon_set_runs_on_every_worker(cluster: Cluster) -> None:
    each = web("each")
    each["kind"] = "DaemonSet"
    del each["spec"]["replicas"]
    cluster.apply(each)
    eventually(lambda: set(WORKERS) <= {one["spec"]["nodeName"] for one in cluster.ready_pods("app=each")}, 60, "a pod on each worker")
    cluster.kubectl("delete", "daemonset", "each", "--timeout=60s", timeout_s=70).ok()


def test_graceful_end_lets_a_container_finish(cluster: Cluster) -> None:
    polite = pod("polite", "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done")
    polite["spec"]["terminationGracePeriodSeconds"] = 20
    cluster.apply(polite)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/polite", "--timeout=60s", timeout_s=70).ok()
    began = time.monotonic()
    cluster.kubectl("delete", "pod", "polite", "--timeout=40s").ok()
    assert 0.9 < time.monotonic() - began < 15


def test_deleting_a_deployment_takes_its_pods_along(cluster: Cluster) -> None:
    cluster.apply(web("short", replicas=2))
    cluster.kubectl("rollout", "status", "deployment/short", "--timeout=90s", timeout_s=100).ok()
    cluster.kubectl("delete", "deployment", "short").ok()
    eventually(lambda: not cluster.pods("app=short"), 60, "no pods left")
    assert cluster.json("get", "replicasets", "-l", "app=short")["items"] == []

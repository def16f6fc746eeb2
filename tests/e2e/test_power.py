"""Proves that the cluster takes lost power: a worker's pods move and it comes back; the master comes back with everything; the whole lab sleeps."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.lab import Cluster, eventually
from tests.e2e.manifests import service, web

MOVE_LIMIT_S = 60.0


@pytest.fixture(scope="module", autouse=True)
def moving(cluster: Cluster) -> Iterator[None]:
    """Pods that must not run on the master, so that there is one place to go to. Both workers take them: Docker may have just been restarted."""

    def open_workers() -> list[str]:
        nodes = cluster.json("get", "nodes", "-l", "kubernetes.io/hostname in (worker-1, worker-2)")["items"]
        return [node["metadata"]["name"] for node in nodes if not node["spec"].get("taints")]

    cluster.all_ready()
    eventually(lambda: open_workers() == ["worker-1", "worker-2"], 60, "both workers take pods")
    affinity = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [WORKERS_ONLY]}]}}
    }
    cluster.apply(web("mover", replicas=4, affinity=affinity), service("mover"))
    cluster.kubectl("rollout", "status", "deployment/mover", "--timeout=90s", timeout_s=100).ok()
    yield
    cluster.kubectl("delete", "deployment/mover", "service/mover", timeout_s=100)


WORKERS_ONLY = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["worker-1", "worker-2"]}


def places(cluster: Cluster) -> list[str]:
    return [one["spec"]["nodeName"] for one in cluster.ready_pods("app=mover")]


def test_an_unplugged_worker_loses_its_pods_to_the_other_and_comes_back(whole: Cluster) -> None:
    assert "worker-2" in places(whole)
    whole.machine("unplug", "worker-2")
    began = time.monotonic()
    eventually(lambda: not whole.ready()["worker-2"], MOVE_LIMIT_S, "worker-2 is NotReady", every_s=1)
    eventually(lambda: places(whole) == ["worker-1"] * 4, MOVE_LIMIT_S - (time.monotonic() - began), "four pods on worker-1", every_s=1)
    assert time.monotonic() - began < MOVE_LIMIT_S
    whole.machine("plug", "worker-2")
    whole.all_ready(90)
    # What was there before the plug was pulled is cleaned up, and the node takes pods again.
    eventually(lambda: len(whole.pods("app=mover")) == 4, 60, "no pod left over")
    whole.kubectl("scale", "deployment/mover", "--replicas=8").ok()
    eventually(lambda: "worker-2" in places(whole), 60, "worker-2 takes pods again")
    whole.kubectl("scale", "deployment/mover", "--replicas=4").ok()


def test_a_power_cycled_master_brings_everything_back(whole: Cluster) -> None:
    whole.machine("unplug", "master-1")
    whole.machine("plug", "master-1")
    eventually(lambda: whole.kubectl("get", "--raw", "/readyz").code == 0, 90, "the API answers", every_s=1)
    whole.all_ready(90)
    eventually(lambda: len(places(whole)) == 4, 60, "the pods are still there")
    whole.kubectl("scale", "deployment/mover", "--replicas=5").ok()
    eventually(lambda: len(places(whole)) == 5, 60, "new pods are made")
    whole.kubectl("scale", "deployment/mover", "--replicas=4").ok()


def test_reboot_of_a_worker_brings_its_pods_back(whole: Cluster) -> None:
    def booted() -> str:
        return whole.ssh("worker-1", "cat /proc/sys/kernel/random/boot_id").stdout

    before = booted()
    assert before
    whole.ssh("worker-1", "systemd-run --quiet --on-active=0.1 systemctl reboot").ok()
    eventually(lambda: booted() not in ("", before), 60, "worker-1 has booted again", every_s=1)
    whole.all_ready(120)
    eventually(lambda: len(places(whole)) == 4, 90, "four ready pods", every_s=1)


def test_down_and_up_keep_the_cluster(whole: Cluster) -> None:
    uid = whole.json("get", "deployment", "mover")["metadata"]["uid"]
    whole.provision("down").ok()
    assert whole.kubectl("get", "nodes", "--request-timeout=2s").code != 0
    whole.provision("up").ok()
    whole.all_ready(90)
    assert whole.json("get", "deployment", "mover")["metadata"]["uid"] == uid
    eventually(lambda: len(places(whole)) == 4, 90, "four ready pods", every_s=1)

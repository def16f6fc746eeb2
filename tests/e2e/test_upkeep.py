"""Proves that daemons are small and quiet, survive restarts without a pod noticing, and that images arrive without a registry."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from provisioner.images.archive import File, Image, write_archive
from provisioner.images.lab import busybox_binary
from tests.e2e.lab import HOSTS, Cluster, eventually
from tests.e2e.manifests import pod

RSS_LIMIT_MB = {"kube-apiserver": 90, "kube-controller-manager": 60, "kube-scheduler": 60, "kubelet": 60, "kube-proxy": 60}


def units_of(host: str) -> list[str]:
    masters = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] if host.startswith("master") else []
    return [*masters, "kubelet", "kube-proxy"]


@pytest.mark.parametrize("host", HOSTS)
def test_daemons_are_small_when_idle(cluster: Cluster, host: str) -> None:
    sizes = {}

    def small() -> bool:
        for unit in units_of(host):
            said = cluster.ssh(host, f"grep VmRSS /proc/$(systemctl show --value -p MainPID {unit})/status").ok().stdout
            sizes[unit] = int(said.split()[1]) // 1024
        assert {unit: size for unit, size in sizes.items() if size > RSS_LIMIT_MB[unit]} == {}, sizes
        return True

    # What the tests before this one took is given back a minute after it is no longer needed; changes are kept 75 s for watches to resume from.
    eventually(small, 220, "every daemon is as small as it may be when idle", every_s=2)


@pytest.mark.parametrize("unit", ["kubelet", "kube-proxy", "docker"])
def test_a_daemon_restarts_and_its_pods_stay(cluster: Cluster, unit: str) -> None:
    cluster.apply(pod("stayer", "sleep 3600"))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/stayer", "--timeout=60s", timeout_s=70).ok()
    before = cluster.json("get", "pod", "stayer")
    host = before["spec"]["nodeName"]
    cluster.ssh(host, f"systemctl restart {unit}").ok()
    eventually(lambda: cluster.ssh(host, f"systemctl is-active {unit}").stdout.strip() == "active", 30, f"{unit} is active")
    cluster.all_ready(60)

    def same() -> bool:
        status = cluster.json("get", "pod", "stayer")["status"]["containerStatuses"][0]
        return bool(status["ready"] and cluster.kubectl("exec", "stayer", "--", "true").code == 0)

    eventually(same, 60, "the pod is ready")
    if unit != "docker":  # dockerd takes its containers along unless live-restore is on
        after = cluster.json("get", "pod", "stayer")["status"]["containerStatuses"][0]
        assert after["containerID"] == before["status"]["containerStatuses"][0]["containerID"]
        assert after["restartCount"] == before["status"]["containerStatuses"][0]["restartCount"]
    cluster.kubectl("delete", "pod", "stayer", "--timeout=40s").ok()


@pytest.mark.parametrize("unit", ["kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler"])
def test_a_killed_control_plane_daemon_comes_back_by_itself(cluster: Cluster, unit: str) -> None:
    pid = cluster.ssh("master-1", f"systemctl show --value -p MainPID {unit}").ok().stdout.strip()
    cluster.ssh("master-1", f"kill -KILL {pid}").ok()

    def back() -> bool:
        now = cluster.ssh("master-1", f"systemctl is-active {unit}; systemctl show --value -p MainPID {unit}").stdout.split()
        return now[0] == "active" and now[1] not in ("0", pid)

    eventually(back, 30, f"{unit} runs again")
    cluster.all_ready(60)
    name = f"after-{unit}"
    cluster.apply(pod(name, "sleep 3600"))
    cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s", timeout_s=70).ok()
    cluster.kubectl("delete", "pod", name, "--timeout=40s").ok()


def test_an_image_is_loaded_without_a_registry(cluster: Cluster, tmp_path: Path) -> None:
    archive = tmp_path / "greeter.tar"
    files = {
        "/bin/sh": File(busybox_binary(tmp_path), 0o755),
        "/greeting": File(b"hello from an archive\n"),
        "/bin/cat": File(link="sh"),
        "/bin/sleep": File(link="sh"),
    }
    write_archive(Image(("example.local/greeter:1",), files, command=("sh",)), archive)
    argv = [str(Path(__import__("sys").executable).with_name("provision")), "image", "load", str(archive), "-i", str(cluster.inventory)]
    subprocess.run(argv, check=True, capture_output=True, timeout=120)
    cluster.apply(pod("greeter", "cat /greeting; sleep 3600", image="example.local/greeter:1"))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/greeter", "--timeout=60s", timeout_s=70).ok()
    assert cluster.kubectl("logs", "greeter").ok().stdout == "hello from an archive\n"
    cluster.kubectl("delete", "pod", "greeter", "--timeout=40s").ok()


def test_a_pod_of_a_missing_image_says_so(cluster: Cluster) -> None:
    cluster.apply(pod("missing", "true", image="example.local/nothing:1"))

    def told() -> bool:
        found = cluster.json("get", "pod", "missing")["status"].get("containerStatuses", [{}])[0]
        return found.get("state", {}).get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff")

    eventually(told, 60, "ErrImagePull")
    cluster.kubectl("delete", "pod", "missing", "--timeout=40s").ok()


def test_pod_start_is_near_dockers_own(cluster: Cluster) -> None:
    """At most 2.5 times the time of two `docker run` on the same host, once polling's own step is taken off; the best of five counts."""
    docker = min(cluster.ssh("worker-1", "docker run --rm --network none busybox:1.35 true").ok().seconds for _ in range(3))
    best = 1e9
    for attempt in range(5):
        name = f"quick-{attempt}"
        quick = pod(name, "sleep 3600")
        quick["spec"]["nodeName"] = "worker-1"
        cluster.apply(quick)
        began = time.monotonic()
        cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s", timeout_s=70).ok()
        best = min(best, time.monotonic() - began)
        cluster.kubectl("delete", "pod", name, "--timeout=40s").ok()
    assert best < 2.5 * 2 * docker + 0.5, f"{best:.2f} s against docker's {docker:.2f} s"

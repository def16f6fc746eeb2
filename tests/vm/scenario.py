"""What is asked of a cluster on virtual machines, whoever made them: a pod behind a service, and everything back after a real reboot.

Deadlines are for machines that are emulated on two busy cores, where a boot takes minutes and a container half of one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.lab import Result, eventually, find_kubectl, run
from tests.e2e.manifests import service, web

PROVISION = Path(sys.executable).with_name("provision")
UP_TIMEOUT_S = 2400.0
BOOT_TIMEOUT_S = 900.0
READY_TIMEOUT_S = 600.0
FETCH = "python3 -c \"import urllib.request as r; print(r.urlopen('http://{address}', timeout=30).read().decode().strip())\""


class VmCluster:
    """A master and a worker: their inventory, and the ways in."""

    def __init__(
        self, inventory: Path, state: Path, hosts: tuple[str, ...], kubectl_folder: Path, env: dict[str, str] | None = None
    ) -> None:
        self.inventory = inventory
        self.state = state
        self.hosts = hosts
        self.env = {"NO_COLOR": "1", **(env or {})}
        self._kubectl = find_kubectl(kubectl_folder)
        self._began = time.monotonic()

    def note(self, what: str) -> None:
        """How long things take is half of what is wanted to be known: it is printed, and kept beside the state."""
        print(f"[{time.monotonic() - self._began:7.1f} s] {what}", flush=True)
        if log := os.environ.get("PROVISION_VM_TIMES"):
            with open(log, "a") as file:
                file.write(f"{self.inventory.name}: {time.monotonic() - self._began:.1f} s {what}\n")

    def provision(self, *words: str, timeout_s: float = UP_TIMEOUT_S) -> Result:
        return run([PROVISION, *words], timeout_s=timeout_s, env=self.env)

    def kubectl(self, *words: str, stdin: str | None = None) -> Result:
        argv = [self._kubectl, "--kubeconfig", self.state / "kubeconfig", "--request-timeout=120s", *words]
        return run(argv, timeout_s=300, stdin=stdin, env={"HOME": str(self.state)})

    def json(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl(*words, "-o", "json").ok().stdout)
        return found

    def ways(self) -> dict[str, dict[str, Any]]:
        """Ansible's variables by host, of the inventory as it is now."""
        listed = json.loads(self.provision("inventory", "--list", str(self.inventory), timeout_s=120).ok().stdout)
        found: dict[str, dict[str, Any]] = listed["_meta"]["hostvars"]
        return found

    def ssh(self, way: dict[str, Any], command: str) -> Result:
        options = ["-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=90", "-o", "StrictHostKeyChecking=yes"]
        options += str(way.get("ansible_ssh_common_args", "")).split()
        target = ["-i", str(way["ansible_ssh_private_key_file"]), "-p", str(way.get("ansible_port", 22))]
        return run(["ssh", *options, *target, f"{way['ansible_user']}@{way['ansible_host']}", command], timeout_s=180)

    def ready(self) -> dict[str, bool]:
        nodes = self.json("get", "nodes")["items"]
        return {
            node["metadata"]["name"]: any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
            for node in nodes
        }

    def all_ready(self) -> None:
        eventually(lambda: self.ready() == dict.fromkeys(self.hosts, True), READY_TIMEOUT_S, "all nodes Ready", every_s=2.0)

    def pod(self) -> dict[str, Any]:
        """The one pod that is Ready."""
        items = self.json("get", "pods", "-l", "app=shop")["items"]
        ready = [p for p in items if any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", []))]
        alive = [p for p in ready if "deletionTimestamp" not in p["metadata"]]
        assert len(alive) == 1, [(p["metadata"]["name"], p["status"].get("phase")) for p in items]
        return alive[0]


def serves_and_survives_a_reboot(cluster: VmCluster, ways: dict[str, dict[str, Any]]) -> None:
    """The last step of each test: `ways` are Ansible's variables of the hosts."""
    cluster.all_ready()
    cluster.note("all nodes are Ready")
    objects = [web("shop", text="open", nodeSelector={"kubernetes.io/hostname": "worker-1"}), service("shop")]
    # Without validation: kubectl would first fetch the whole schema, which costs an emulated API server minutes.
    cluster.kubectl("apply", "--validate=false", "-f", "-", stdin=yaml.safe_dump_all(objects)).ok()
    eventually(cluster.pod, READY_TIMEOUT_S, "a pod is Ready", every_s=2.0)
    cluster.note("a pod is Ready")
    address = cluster.json("get", "service", "shop")["spec"]["clusterIP"]
    for host in cluster.hosts:
        answer(cluster, ways[host], address)
    cluster.note("the service answers from every host")
    boot = cluster.ssh(ways["worker-1"], "cat /proc/sys/kernel/random/boot_id").ok().stdout
    cluster.ssh(ways["worker-1"], "sudo systemctl reboot")  # whose answer may not come back

    def booted_again() -> bool:
        now = cluster.ssh(ways["worker-1"], "cat /proc/sys/kernel/random/boot_id")
        return now.code == 0 and now.stdout != boot

    eventually(booted_again, BOOT_TIMEOUT_S, "the worker has booted again", every_s=3.0)
    cluster.note("the worker has booted again")
    cluster.all_ready()
    eventually(cluster.pod, READY_TIMEOUT_S, "the pod is Ready again", every_s=2.0)
    for host in cluster.hosts:
        answer(cluster, ways[host], address)
    cluster.note("node, pod and service have returned")


def up_changes_nothing(cluster: VmCluster) -> None:
    said = cluster.provision("up", "--no-smoke", str(cluster.inventory)).ok().stdout
    cluster.note("provision up again is done")
    applied = said.split("== apply")[1].split("== apply done")[0]
    assert "changed" not in applied, said


def answer(cluster: VmCluster, way: dict[str, Any], address: str) -> None:
    def said() -> bool:
        return cluster.ssh(way, FETCH.format(address=address)).ok().stdout.strip() == "open"

    eventually(said, 180, f"the service answers {way['ansible_host']}", every_s=2.0)

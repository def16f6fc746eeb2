"""Proves on lab hosts that a Docker, a containerd or an etcd in use is found before anything is changed, refused, or adopted with all it has."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from provisioner.images import build
from tests.e2e.lab import eventually, find_kubectl
from tests.e2e.manifests import service, web
from tests.integration.machines.lab_hosts import LabHosts

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
HOSTS = ("docker", "containerd", "etcd")
INSTALL = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "


class Adopted(LabHosts):
    """Three hosts with something on them, and `provision` on an inventory in which they exist already."""

    def __init__(self, folder: Path, network: str) -> None:
        super().__init__(folder, network, dict.fromkeys(HOSTS), 1024)
        self.images = build(folder / "images")

    def adopt(self, verb: str, *, masters: str, workers: list[str], adopt: bool) -> subprocess.CompletedProcess[str]:
        own = self.lab.connection_vars()
        tree = {
            "all": {
                "vars": {"cluster": {"name": "adopted", "images": [str(image) for image in self.images]}, "adopt": adopt},
                "children": {"masters": {"hosts": {masters: own[masters]}}, "workers": {"hosts": {name: own[name] for name in workers}}},
            }
        }
        path = self.folder / "adopt.yaml"
        path.write_text(yaml.safe_dump(tree))
        return self.provision(verb, path)


@pytest.fixture(scope="module")
def hosts(labs_folder: Path, free_network: Callable[[], str]) -> Iterator[Adopted]:
    made = Adopted(labs_folder / "adoption", free_network())
    try:
        made.start()
        made.ssh("docker", "mkdir -p /etc/docker && echo '{\"debug\": true}' >/etc/docker/daemon.json")
        made.ssh("docker", f"{INSTALL} docker.io")
        made.ssh("docker", "docker load", stdin=made.images[1].read_bytes())
        made.ssh("docker", "docker volume create precious; docker run -d --name mine --network host busybox:1.35 sleep 86400")
        made.ssh("docker", "docker run -d --name bridged busybox:1.35 sleep 86400")
        # As Docker leaves it where it turned forwarding on itself; on lab hosts it is on already.
        made.ssh("docker", "iptables -P FORWARD DROP")
        made.ssh("containerd", f"{INSTALL} containerd")
        made.ssh("etcd", f"{INSTALL} etcd-server etcd-client")
        made.ssh("etcd", "ETCDCTL_API=3 etcdctl put precious value")
        yield made
    finally:
        made.lab.destroy()


def test_everything_is_refused_and_nothing_changed(hosts: Adopted) -> None:
    done = hosts.adopt("up", masters="etcd", workers=["docker", "containerd"], adopt=False)
    assert done.returncode == 4, done.stdout + done.stderr
    said = done.stderr + done.stdout
    assert (
        "docker: adopt: Docker is in use there already (docker.service runs; /etc/docker/daemon.json is there; containers: bridged, mine)"
        in said
    )
    assert "containerd: adopt: containerd is in use there already" in said
    assert "etcd: adopt: an etcd that is not this cluster's has its data in /var/lib/etcd/default/member" in said
    assert "adopt: true" in said and "Traceback" not in said
    assert "nothing was changed" in said
    assert json.loads(hosts.ssh("docker", "cat /etc/docker/daemon.json")) == {"debug": True}
    assert "value" in hosts.ssh("etcd", "ETCDCTL_API=3 etcdctl get precious")
    assert hosts.ssh("containerd", "ls /etc/kubernetes /opt/provision 2>/dev/null | wc -l").strip() == "0"


def test_an_etcd_is_refused_even_then(hosts: Adopted) -> None:
    done = hosts.adopt("plan", masters="etcd", workers=["docker", "containerd"], adopt=True)
    assert done.returncode == 4
    problems = [line.strip() for line in (done.stdout + done.stderr).splitlines() if ": adopt: " in line]
    assert [problem.partition(":")[0] for problem in problems] == ["etcd"]


def test_adopted_hosts_keep_what_they_had_and_let_it_run(hosts: Adopted) -> None:
    before = hosts.ssh("docker", "pgrep -x dockerd; docker inspect -f '{{.State.StartedAt}} {{.State.Pid}}' mine bridged")
    done = hosts.adopt("up", masters="containerd", workers=["docker"], adopt=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert hosts.ssh("docker", "pgrep -x dockerd; docker inspect -f '{{.State.StartedAt}} {{.State.Pid}}' mine bridged") == before
    assert "precious" in hosts.ssh("docker", "docker volume ls -q")
    assert json.loads(hosts.ssh("docker", "cat /etc/docker/daemon.json")) == {"debug": True, "live-restore": True}
    assert hosts.ssh("docker", "docker info --format '{{.LiveRestoreEnabled}}'").strip() == "true"
    address = hosts.ssh("docker", "docker inspect -f '{{.NetworkSettings.IPAddress}}' bridged").strip()
    assert hosts.ssh("docker", f"docker exec mine ping -c 1 -w 5 {address} >/dev/null && echo reached").strip() == "reached"


def test_pods_are_reached_through_dockers_own_firewall(hosts: Adopted, tmp_path: Path) -> None:
    kubectl = [find_kubectl(tmp_path), "--kubeconfig", hosts.folder / ".provision" / "adopted" / "kubeconfig"]
    objects = yaml.safe_dump_all([web("shop", text="open"), service("shop", clusterIP="10.96.0.77")])
    subprocess.run(
        [*kubectl, "apply", "--validate=false", "-f", "-"], input=objects, text=True, check=True, timeout=60, capture_output=True
    )
    fetch = "python3 -c \"import urllib.request as r; print(r.urlopen('http://10.96.0.77', timeout=2).read().decode())\""
    eventually(lambda: hosts.ssh("containerd", fetch).strip() == "open", 90, "a pod beside the host's own containers answers")


def test_a_second_run_leaves_docker_as_it_is(hosts: Adopted) -> None:
    done = hosts.adopt("up", masters="containerd", workers=["docker"], adopt=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert [line for line in done.stdout.splitlines() if "changed  docker : " in line] == []

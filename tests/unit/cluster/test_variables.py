"""What the roles are told follows from the inventory, and is plain data that ansible-playbook can read too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from provisioner.cluster.topology import cluster_of, topology_of
from provisioner.cluster.variables import docker_settings, role_variables
from provisioner.inventory import load
from provisioner.inventory.cluster_spec import ClusterSpec, RegistrySpec
from provisioner.release.bundle import Bundle, Layer

ROOT = Path(__file__).parents[3]
LAYERS = {kind: Layer(f"{kind}-1", Path(f"/cache/{kind}-1.tar.gz")) for kind in ("node", "master")}
BUNDLE = Bundle("0.1.0-abc", "0.1.0", Path("/cache/0.1.0-abc.tar.gz"), LAYERS, compiled=False)


def made(name: str) -> dict[str, Any]:
    inventory = load([ROOT / f"inventories/{name}.yaml"])
    topology = topology_of(inventory, {host: f"10.0.0.{n}" for n, host in enumerate(inventory.hosts, 1)})
    releases, suites = dict.fromkeys(topology.hosts, BUNDLE), dict.fromkeys(topology.hosts, "bookworm")
    unfinished = {"worker-1": ["kubelet"]}
    return role_variables(cluster_of(inventory), topology, pki=Path("/state/pki"), releases=releases, suites=suites, unfinished=unfinished)


def test_is_plain_data() -> None:
    assert json.loads(json.dumps(made("lab"))) == made("lab")
    assert made("lab")["kube"]["unfinished"]["worker-1"] == ["kubelet"]
    assert made("lab")["cluster"]["service_cidr"] == "10.96.0.0/16"


def test_masters_keep_ordinary_pods_away_unless_they_are_workers() -> None:
    lab, single = made("lab")["kube"], made("single")["kube"]
    assert lab["node_taints"]["master-1"] == [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    assert lab["node_taints"]["worker-1"] == []
    assert single["node_taints"]["node-1"] == []
    assert single["node_labels"]["node-1"] == {"node-role.kubernetes.io/control-plane": ""}


def test_a_host_gets_the_layers_that_its_daemons_need() -> None:
    releases = made("lab")["kube"]["releases"]
    assert [layer["name"] for layer in releases["master-1"].pop("layers")] == ["node-1", "master-1"]
    assert releases["worker-1"] == {
        "name": "0.1.0-abc",
        "archive": "/cache/0.1.0-abc.tar.gz",
        "layers": [{"name": "node-1", "archive": "/cache/node-1.tar.gz"}],
        "compiled": False,
    }


def test_registry_settings_reach_docker() -> None:
    spec = ClusterSpec(registry=RegistrySpec(mirror="https://mirror.example", insecure=("10.0.0.9:5000",)))
    settings = docker_settings(spec)
    assert settings["registry-mirrors"] == ["https://mirror.example"]
    assert settings["insecure-registries"] == ["10.0.0.9:5000"]
    assert "registry-mirrors" not in docker_settings(ClusterSpec())

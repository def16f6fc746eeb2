"""What the roles are told: the trees `cluster` (the inventory's, every default filled in) and `kube` (what follows from it). No I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.cluster import addons
from provisioner.cluster.image_archives import ImageArchive
from provisioner.cluster.topology import API_PORT, Topology, api_endpoint, dns_address
from provisioner.inventory.cluster_spec import ClusterSpec
from provisioner.release.bundle import Bundle

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def role_variables(
    spec: ClusterSpec,
    topology: Topology,
    *,
    pki: Path,
    releases: Mapping[str, Bundle],
    suites: Mapping[str, str],
    images: Sequence[ImageArchive] = (),
    unfinished: Mapping[str, Sequence[str]] | None = None,
    packages_are_set: bool = False,
) -> dict[str, Any]:
    """Plain JSON-able data, for all hosts alike. By host: `releases` it gets, `suites` of Debian it runs.

    `unfinished` has, by host, the roles that an earlier run changed and did not finish with: their daemons are restarted, since a changed
    file no longer shows as changed. `packages_are_set`: whoever made the hosts told them already where Debian packages come from.
    """
    kube = {
        "masters": list(topology.masters),
        "workers": list(topology.workers),
        "etcd": list(topology.etcd),
        "nodes": list(topology.nodes),
        "addresses": {name: topology.addresses[name] for name in topology.hosts},
        "endpoint": api_endpoint(spec, topology),
        "url": f"https://{api_endpoint(spec, topology)}",
        "local_url": f"https://127.0.0.1:{API_PORT}",
        "dns_address": dns_address(spec),
        "node_labels": {name: _labels(name, topology) for name in topology.nodes},
        "node_taints": {name: _taints(name, topology) for name in topology.nodes},
        "docker": docker_settings(spec),
        "packages": {"proxy": "", "mirror": ""} if packages_are_set else _plain(spec.packages),
        "addons": addons.objects(spec, topology),
        "images": [image.variables() for image in images],
        "pki": str(pki),
        "releases": {name: _release(releases[name], master=name in topology.masters) for name in topology.hosts},
        "suites": {name: suites[name] for name in topology.hosts},
        "unfinished": {name: sorted((unfinished or {}).get(name, ())) for name in topology.hosts},
    }
    return {"cluster": _plain(spec), "kube": kube}


def docker_settings(spec: ClusterSpec) -> dict[str, Any]:
    """daemon.json. The pod network and its packet filter are ours: dockerd keeps its hands off both."""
    settings: dict[str, Any] = {
        "bridge": "none",
        "iptables": False,
        "ip6tables": False,
        "ip-forward": True,
        "live-restore": True,
        "log-driver": "json-file",
        "log-opts": {"max-file": "3", "max-size": "10m"},
        "storage-driver": "overlay2",
    }
    if spec.registry.mirror:
        settings["registry-mirrors"] = [spec.registry.mirror]
    if spec.registry.insecure:
        settings["insecure-registries"] = list(spec.registry.insecure)
    return settings


def _release(release: Bundle, *, master: bool) -> dict[str, Any]:
    """A host's, with the layers that its daemons import from."""
    layers = [{"name": layer.name, "archive": str(layer.archive)} for kind, layer in release.layers.items() if kind == "node" or master]
    return {"name": release.name, "archive": str(release.archive), "layers": layers, "compiled": release.compiled}


def _labels(name: str, topology: Topology) -> dict[str, str]:
    return {CONTROL_PLANE: ""} if name in topology.masters else {}


def _taints(name: str, topology: Topology) -> list[dict[str, str]]:
    """A master that is no worker takes no ordinary pods."""
    if name in topology.masters and name not in topology.workers:
        return [{"key": CONTROL_PLANE, "effect": "NoSchedule"}]
    return []


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value

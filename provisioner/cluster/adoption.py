"""What a host has that is somebody's: a Docker, a containerd or an etcd in use, on a host that no run of ours has touched yet.

A host without the variable `adopt: true` is refused then. With it, what can live beside the cluster stays as it is: a Docker keeps its settings,
networks, images, volumes and running containers, and is not restarted; so does containerd. What can't is refused all the same. No I/O.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.cluster.errors import HostProblem
from provisioner.cluster.probe import HostFacts
from provisioner.cluster.topology import Topology

KIND = "adopt"
REFUSE = "take the host out of the inventory, or remove it from the host"
ALLOW = f"set `adopt: true` for the host to let it stay as it is and share it, or {REFUSE}"
# Of a node's settings, those that an adopted Docker must share: where its images come from. (The role adds live-restore, if nothing is said of it.)
REGISTRIES = ("insecure-registries", "registry-mirrors")


def is_wanted(value: object) -> bool:
    """The host variable `adopt`, which in an INI inventory is text."""
    return value is True or str(value).strip().lower() in ("true", "yes", "on", "1")


def foreign(
    host: str, facts: HostFacts, topology: Topology, *, adopt: bool, docker: Mapping[str, Any], ranges: Sequence[str] = ()
) -> list[HostProblem]:
    """Reasons not to use the host. `docker` is the daemon.json that a node gets, `ranges` the cluster's networks."""
    if facts.text("ours"):
        return []
    problems = []
    if host in topology.nodes:
        problems += _docker(host, facts, adopt, docker, ranges)
        problems += _containerd(host, facts, adopt)
    if host in topology.etcd and (facts.text("etcd_data") or facts.text("etcd_unit") == "active"):
        where = facts.text("etcd_data") or "its own folder"
        problems.append(
            HostProblem(
                host,
                KIND,
                f"an etcd that is not this cluster's has its data in {where}",
                "an etcd can't be adopted: let other hosts be the group etcd, or save that data, remove it, and uninstall that etcd",
            )
        )
    return problems


def _docker(host: str, facts: HostFacts, adopt: bool, wanted: Mapping[str, Any], ranges: Sequence[str]) -> list[HostProblem]:
    settings, containers = facts.text("docker_settings"), facts.text("docker_containers").split()
    if facts.text("docker_unit") != "active" and not settings and not containers:
        return []
    if not adopt:
        signs = ["docker.service runs"] if facts.text("docker_unit") == "active" else []
        signs += ["/etc/docker/daemon.json is there"] if settings else []
        signs += [f"containers: {_some(containers)}"] if containers else []
        return [HostProblem(host, KIND, f"Docker is in use there already ({'; '.join(signs)})", ALLOW)]
    problems = []
    if contradictions := _contradictions(settings, wanted):
        text = f"/etc/docker/daemon.json says otherwise than a node needs: {'; '.join(contradictions)}"
        problems.append(HostProblem(host, KIND, text, "take these lines out of it, or use another host"))
    if facts.text("docker_swarm") not in ("", "inactive"):
        text = "Docker is part of a swarm, whose networks and ports a node's would meet"
        problems.append(HostProblem(host, KIND, text, "let it leave the swarm (docker swarm leave), or use another host"))
    if met := _overlaps(facts.text("docker_networks").split(), ranges):
        hint = "choose another cluster.pod_cidr or cluster.service_cidr, or use another host"
        problems.append(HostProblem(host, KIND, f"Docker's networks overlap the cluster's: {'; '.join(met)}", hint))
    return problems


def _contradictions(settings: str, wanted: Mapping[str, Any]) -> list[str]:
    if not settings:
        return []
    try:
        found = json.loads(settings)
    except ValueError as e:
        return [f"it is no JSON: {e}"]
    if not isinstance(found, dict):
        return ["it is no JSON object"]
    if "userns-remap" in found:
        return [f"userns-remap is {json.dumps(found['userns-remap'])}, and pods must reach the host's own namespaces"]
    different = [key for key in REGISTRIES if key in found and key in wanted and found[key] != wanted[key]]
    return [f"{key} is {json.dumps(found[key])}, not {json.dumps(wanted[key])}" for key in different]


def _overlaps(networks: Sequence[str], ranges: Sequence[str]) -> list[str]:
    found = []
    for text in networks:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue  # a plug-in's own notion of an address
        found += [f"{text} and {other}" for other in ranges if network.overlaps(ipaddress.ip_network(other, strict=False))]
    return found


def _containerd(host: str, facts: HostFacts, adopt: bool) -> list[HostProblem]:
    packages = facts.text("container_packages").split()
    if "containerd.io" in packages and "docker-ce" not in packages:
        text = "the package containerd.io is installed without docker-ce: Debian's docker.io, which a node needs, would remove it"
        return [HostProblem(host, KIND, text, "install docker-ce beside it and set `adopt: true`, or use another host")]
    # Where Docker runs, its containerd is part of it.
    if facts.text("containerd_unit") != "active" or facts.text("docker_unit") == "active" or adopt:
        return []
    running = facts.text("containerd_containers").split()
    said = f" ({len(running)} containers: {_some(running)})" if running else ""
    return [HostProblem(host, KIND, f"containerd is in use there already{said}", ALLOW)]


def _some(names: list[str]) -> str:
    plain = [name.partition("=")[0] for name in names]
    return ", ".join(plain[:4]) + (f" and {len(plain) - 4} more" if len(plain) > 4 else "")

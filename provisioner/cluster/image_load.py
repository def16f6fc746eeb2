"""Loads image archives into the nodes' Docker, by the same role that `up` uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from provisioner.cluster import image_archives
from provisioner.cluster.apply import apply
from provisioner.cluster.context import ROLES, Context
from provisioner.cluster.hosts import Hosts
from provisioner.cluster.lock import Lock
from provisioner.cluster.results import HostStats

PLAYBOOK = ROLES / "images.yaml"


def load_images(context: Context, archives: Sequence[Path], *, forks: int) -> Mapping[str, HostStats]:
    """Counts by node. Raises ClusterError for a file that is no archive, before any host is touched."""
    images = [image_archives.read(path.resolve()).variables() for path in archives]
    context.state.prepare()
    with Lock(context.state.lock, "image load") as lock:
        lock.step("load")
        context.connect_vars()
        with Hosts(context, forks=forks) as hosts:
            return apply(
                context, hosts, {"kube": {"images": images, "nodes": list(context.topology.nodes)}}, forks=forks, playbook=PLAYBOOK
            )

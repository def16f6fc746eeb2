"""What every pod's worker works with: one of each for the node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.kubelet.pod.downward import Place
from provisioner.kube.kubelet.pod.handlers import Handlers
from provisioner.kube.kubelet.pod.status_writer import StatusWriter
from provisioner.kube.kubelet.runtime.containers import Containers
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.kubelet.runtime.image_users import ImageUsers
from provisioner.kube.kubelet.runtime.images import Images
from provisioner.kube.kubelet.volume.objects import ApiObjects
from provisioner.kube.kubelet.volume.pod_files import Dns
from provisioner.kube.kubelet.volume.volumes import Volumes
from provisioner.kube.network.podnet import PodNetwork


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the node, fixed while the kubelet runs. `log_config` is Docker's LogConfig for every container."""

    node_name: str
    node_ip: str
    root: Path
    dns: Dns
    sandbox_image: str
    node_memory_bytes: int
    allocatable: dict[str, int]
    max_pods: int = 110
    seccomp_default: bool = False
    lowest_oom: int = -1000
    # Capabilities that this host has not, and no container of its can have.
    lacking: tuple[str, ...] = ()
    # Whether this host's kernel enforces AppArmor's profiles.
    apparmor: bool = True
    # Of each container; -1 is none.
    pids_limit: int = -1
    unsafe_sysctls: tuple[str, ...] = ()
    log_config: dict[str, Any] = field(default_factory=lambda: {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}})


@dataclass(frozen=True, slots=True)
class Services:
    """`cluster_services` gives the Service objects known now; `adopted` is over when Docker was read for the first time."""

    settings: Settings
    docker: Docker
    containers: Containers
    images: Images
    users: ImageUsers
    volumes: Volumes
    objects: ApiObjects
    network: PodNetwork
    handlers: Handlers
    recorder: EventRecorder
    statuses: StatusWriter
    clock: Clock
    cluster_services: Callable[[], Iterable[core_v1.Service]]

    def place(self, pod_ip: str) -> Place:
        return Place(self.settings.node_name, self.settings.node_ip, pod_ip, self.settings.allocatable)

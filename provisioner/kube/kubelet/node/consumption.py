"""How much memory and local storage each pod uses, for whoever has to decide which one goes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.node.eviction import directory_bytes
from provisioner.kube.kubelet.node.pressure import Usage
from provisioner.kube.kubelet.runtime.containers import Container, Containers
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.kubelet.server.stats import Stats
from provisioner.kube.kubelet.volume.volumes import Volumes


class PodConsumption:
    """Measures when asked; walking a pod's files takes as long as it has files."""

    def __init__(self, stats: Stats, docker: Docker, containers: Containers, volumes: Volumes) -> None:
        self._stats, self._docker, self._containers, self._volumes = stats, docker, containers, volumes

    async def memory(self) -> Mapping[str, Mapping[str, int]]:
        """Working sets in bytes: pod uid, container name."""
        samples = await self._stats.sample()
        found: dict[str, dict[str, int]] = {}
        for container in self._containers.all():
            usage = samples.get(container.id)
            if usage is not None and not container.is_sandbox:
                found.setdefault(container.pod_uid, {})[container.name] = usage.working_set_bytes
        return found

    async def storage(self, pods: Iterable[core_v1.Pod]) -> Mapping[str, tuple[Usage, Mapping[str, int]]]:
        """By pod uid: written layers and logs by container, and each emptyDir's bytes (those in memory don't count)."""
        return {pod.metadata.uid or "": await self._one(pod) for pod in pods}

    async def _one(self, pod: core_v1.Pod) -> tuple[Usage, Mapping[str, int]]:
        uid = pod.metadata.uid or ""
        members = [c for c in self._containers.of_pod(uid) if not c.is_sandbox]
        sizes = await asyncio.gather(*(self._container(c) for c in members))
        storage: dict[str, int] = {}
        for container, size in zip(members, sizes, strict=True):
            storage[container.name] = storage.get(container.name, 0) + size
        volumes = {
            volume.name or "": await directory_bytes(self._volumes.path(uid, volume))
            for volume in pod.spec.volumes or ()
            if volume.empty_dir is not None and volume.empty_dir.medium != "Memory"
        }
        return Usage(storage=storage, volumes=sum(volumes.values())), volumes

    async def _container(self, container: Container) -> int:
        logs = await directory_bytes(Path(container.log_path).parent) if container.log_path else 0
        return await self._docker.written_bytes(container.id) + logs

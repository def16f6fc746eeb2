"""Keeps the node usable: watches memory, disks and process numbers, takes back what nobody needs, and then evicts pods, one at a time."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.node import pressure
from provisioner.kube.kubelet.node.machine import memory_available, memory_total
from provisioner.kube.kubelet.node.pressure import Observation, Pressure, Threshold, Usage

log = logging.getLogger(__name__)

# Upstream's monitoring interval.
CHECK_S = 10.0
FINAL = ("Failed", "Succeeded")


class Victims(Protocol):
    """The node's pods. `evict` begins a pod's end and returns at once."""

    def all(self) -> Iterable[core_v1.Pod]: ...
    def evict(self, uid: str, message: str, grace_s: int) -> None: ...


class Consumption(Protocol):
    """How much pods use; asked only when it matters."""

    async def memory(self) -> Mapping[str, Mapping[str, int]]: ...
    async def storage(self, pods: Iterable[core_v1.Pod]) -> Mapping[str, tuple[Usage, Mapping[str, int]]]: ...


def observe(root: Path, image_root: Path) -> dict[str, Observation]:
    """What the node has left, by signal."""
    seen = {
        "memory.available": Observation(memory_available(), memory_total()),
        "pid.available": Observation(*_pids()),
    }
    for name, path in (("nodefs", root), ("imagefs", image_root)):
        try:
            found = os.statvfs(path)
        except OSError:
            continue
        seen[f"{name}.available"] = Observation(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
        # Some file systems count no inodes.
        if found.f_files:
            seen[f"{name}.inodesFree"] = Observation(found.f_favail, found.f_files)
    return seen


def _pids() -> tuple[int, int]:
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    # The fourth field of /proc/loadavg is running/all threads.
    return most - int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2]), most


class Evictor:
    """`reclaim` gives images and dead containers back. `changed` is called when a condition of the node changes."""

    def __init__(
        self,
        thresholds: Iterable[Threshold],
        transition_s: float,
        watch: Callable[[], dict[str, Observation]],
        pods: Victims,
        consumption: Consumption,
        reclaim: Callable[[], Awaitable[None]],
        recorder: EventRecorder,
        node: core_v1.ObjectReference,
        clock: Clock,
        *,
        soft_grace_s: int = 0,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._pressure = Pressure(tuple(thresholds), transition_s)
        self._watch, self._pods, self._consumption, self._reclaim = watch, pods, consumption, reclaim
        self._recorder, self._node, self._clock = recorder, node, clock
        self._soft_grace_s, self._changed = soft_grace_s, changed
        self._known: frozenset[str] = frozenset()

    def conditions(self) -> frozenset[str]:
        return self._known

    async def run(self) -> None:
        while True:
            await self.check()
            await self._clock.sleep(CHECK_S)

    async def check(self) -> None:
        """One look. At most one pod is evicted for a shortage; the next look sees what that gave back."""
        acting = self._look()
        if acting:
            await self._relieve(acting[0])
        await self._check_storage()

    def _look(self) -> list[Threshold]:
        now = self._clock.monotonic()
        acting = self._pressure.update(self._watch(), now)
        known = self._pressure.conditions(now)
        if known != self._known:
            self._known = known
            self._changed()
        return acting

    async def _relieve(self, one: Threshold) -> None:
        resource = pressure.RESOURCES[one.signal]
        self._recorder.event(self._node, "Warning", "EvictionThresholdMet", f"Attempting to reclaim {resource}")
        if pressure.CONDITIONS[one.signal] == "DiskPressure":
            await self._reclaim()
            if one not in self._look():
                return
        seen = self._watch().get(one.signal)
        if seen is None:
            return
        pods = self._running()
        usage = await self._usage(resource, pods)
        for pod in pressure.rank(pods, usage, resource):
            uid = pod.metadata.uid or ""
            message = pressure.eviction_message(one, seen, pod, usage.get(uid, Usage()))
            log.warning("evicting pod=%s/%s signal=%s available=%d", pod.metadata.namespace, pod.metadata.name, one.signal, seen.available)
            self._pods.evict(uid, message, self._soft_grace_s if one.grace_s else 0)
            return
        log.warning("nothing to evict signal=%s available=%d", one.signal, seen.available)

    def _running(self) -> list[core_v1.Pod]:
        return [pod for pod in self._pods.all() if pod.status.phase not in FINAL and not pod.metadata.deletion_timestamp]

    async def _usage(self, resource: str, pods: list[core_v1.Pod]) -> Mapping[str, Usage]:
        try:
            if resource == "memory":
                return {uid: Usage(memory=found) for uid, found in (await self._consumption.memory()).items()}
            if resource == "ephemeral-storage":
                return {uid: usage for uid, (usage, _) in (await self._consumption.storage(pods)).items()}
        except DockerError as error:
            log.warning("usage of pods not known: %s", error)
        return {}

    async def _check_storage(self) -> None:
        bounded = [pod for pod in self._running() if pressure.bounded_storage(pod) and pressure.may_go(pod)]
        if not bounded:
            return
        try:
            found = await self._consumption.storage(bounded)
        except DockerError as error:
            log.warning("storage of pods not known: %s", error)
            return
        for pod in bounded:
            usage, volumes = found.get(pod.metadata.uid or "", (Usage(), {}))
            problem = pressure.storage_problem(pod, usage, volumes)
            if problem is not None:
                self._pods.evict(pod.metadata.uid or "", problem, 0)


async def directory_bytes(path: Path) -> int:
    """What the files below a folder take on the disk (du)."""
    return await asyncio.to_thread(_walk, path)


def _walk(path: Path) -> int:
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                total += Path(folder, name).lstat().st_blocks * 512
            except OSError:
                continue
    return total

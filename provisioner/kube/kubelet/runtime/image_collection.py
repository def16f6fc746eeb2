"""Gives disk space back: deletes images that no container uses when the disk is fuller than it should be, longest unused first."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.kubelet.runtime.docker_types import ImageSummary

log = logging.getLogger(__name__)

# Upstream's ImageGCPeriod.
CHECK_S = 300.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Percent of the disk that is in use; ages in seconds, where `max_age_s` 0 means that age alone deletes nothing."""

    high_percent: int = 85
    low_percent: int = 80
    min_age_s: float = 120.0
    max_age_s: float = 0.0


def disk_usage(path: Path) -> tuple[int, int]:
    """(used, capacity) in bytes of the file system that `path` lies on."""
    found = os.statvfs(path)
    return (found.f_blocks - found.f_bavail) * found.f_frsize, found.f_blocks * found.f_frsize


class ImageCollector:
    """`in_use` gives the ids of images that containers, running or not, are made from; `kept` is never deleted (the sandbox's)."""

    def __init__(
        self,
        docker: Docker,
        limits: Limits,
        in_use: Callable[[], Iterable[str]],
        kept: str,
        usage: Callable[[], tuple[int, int]],
        recorder: EventRecorder,
        node: core_v1.ObjectReference,
        clock: Clock,
    ) -> None:
        self._docker, self._limits, self._in_use, self._kept, self._usage = docker, limits, in_use, kept, usage
        self._recorder, self._node, self._clock = recorder, node, clock
        # image id -> (first seen, last used), monotonic
        self._seen: dict[str, tuple[float, float]] = {}

    async def run(self) -> None:
        while True:
            try:
                await self.collect()
            except (DockerError, OSError) as error:
                log.warning("images not collected: %s", error)
            await self._clock.sleep(CHECK_S)

    async def collect(self) -> int:
        """Free what is over the limits; bytes that were freed."""
        images = await self._note()
        used, capacity = self._usage()
        freed = await self._delete(self._too_old(images), None)
        if capacity and (used - freed) * 100 >= capacity * self._limits.high_percent:
            wanted = used - freed - capacity * self._limits.low_percent // 100
            got = await self._delete(self._unused(images, self._limits.min_age_s), wanted)
            freed += got
            if got < wanted:
                text = f"Failed to garbage collect required amount of images. Attempted to free {wanted} bytes, but only found {got} bytes eligible to free."
                self._recorder.event(self._node, "Warning", "FreeDiskSpaceFailed", text)
        return freed

    async def free_all(self) -> None:
        """Delete every image that nobody uses: the disk is nearly full."""
        try:
            await self._delete(self._unused(await self._note(), 0.0), None)
        except DockerError as error:
            log.warning("images not deleted: %s", error)

    async def _note(self) -> list[ImageSummary]:
        images, now, used = await self._docker.images(), self._clock.monotonic(), set(self._in_use())
        known = self._seen
        self._seen = {i.id: (known.get(i.id, (now, 0))[0], now if i.id in used else known.get(i.id, (now, now))[1]) for i in images}
        return images

    def _unused(self, images: list[ImageSummary], min_age_s: float) -> list[ImageSummary]:
        now, used = self._clock.monotonic(), set(self._in_use())
        free = [
            image
            for image in images
            if image.id not in used and self._kept not in (image.repo_tags or ()) and now - self._seen[image.id][0] >= min_age_s
        ]
        return sorted(free, key=lambda image: (self._seen[image.id][1], self._seen[image.id][0]))

    def _too_old(self, images: list[ImageSummary]) -> list[ImageSummary]:
        oldest_s, now = self._limits.max_age_s, self._clock.monotonic()
        return [i for i in self._unused(images, self._limits.min_age_s) if oldest_s and now - self._seen[i.id][1] > oldest_s]

    async def _delete(self, images: list[ImageSummary], wanted: int | None) -> int:
        freed = 0
        for image in images:
            if wanted is not None and freed >= wanted:
                break
            try:
                # Docker refuses to delete one of several names by the id.
                for name in [n for n in image.repo_tags or () if "<none>" not in n] or [image.id]:
                    await self._docker.remove_image(name)
            except DockerError as error:
                log.warning("image not deleted id=%s: %s", image.id[:19], error)
                continue
            log.info("image deleted id=%s names=%s bytes=%d", image.id[:19], image.repo_tags, image.size)
            freed += image.size
        return freed

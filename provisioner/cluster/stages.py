"""The stages of a run: each named, timed, and told about at its start and end, also when it fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from provisioner.cluster.events import Bus
from provisioner.cluster.lock import Lock


class Stages:
    """`seconds` by stage, in order."""

    def __init__(self, bus: Bus, lock: Lock | None = None) -> None:
        self._bus = bus
        self._lock = lock
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        if self._lock:
            self._lock.step(name)
        self._bus.send("stage_start", name)
        started = time.monotonic()
        done = False
        try:
            yield
            done = True
        finally:
            self.seconds[name] = time.monotonic() - started
            self._bus.send("stage_end", name, ok=done, seconds=round(self.seconds[name], 2))

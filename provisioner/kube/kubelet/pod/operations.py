"""The steps of one pod that are under way: each has a key, runs as a task of its own, and is tried again later after a failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.errors import KubeletError
from provisioner.kube.network.ip_batch import NetworkError

log = logging.getLogger(__name__)

# What a step may fail with and be tried again after.
EXPECTED = (KubeletError, NetworkError, StatusError, ConnectionFailed, OSError)
Failed = Callable[[str, Exception], float | None]


class Operations:
    """`failed(key, error)` hears of each failure and may say how long to wait; `changed()` is called after each end."""

    def __init__(self, pod: str, clock: Clock, failed: Failed, changed: Callable[[], None]) -> None:
        self._pod, self._clock, self._failed, self._changed = pod, clock, failed, changed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._retry_at: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self._put_off: list[float] = []
        """When steps that `begin` did not start yet may be started."""

    def running(self, key: str) -> bool:
        return key in self._tasks

    def begin(self, key: str, step: Callable[[], Coroutine[Any, Any, None]], *, first_s: float = 1.0, max_s: float = 30.0) -> None:
        """Start a step, unless it is under way or has to wait. The wait after the n-th failure is first_s * 2**n."""
        if key in self._tasks:
            return
        if (at := self._retry_at.get(key, 0.0)) > self._clock.monotonic():
            self._put_off.append(at)
            return
        self._tasks[key] = spawn(f"{key} of {self._pod}", self._run(key, step, first_s, max_s))

    async def _run(self, key: str, step: Callable[[], Coroutine[Any, Any, None]], first_s: float, max_s: float) -> None:
        try:
            await step()
            self._tries.pop(key, None)
            self._retry_at.pop(key, None)
        except EXPECTED as error:
            tries = self._tries[key] = self._tries.get(key, 0) + 1
            wait_s = self._failed(key, error)
            if wait_s is None:
                wait_s = min(max_s, first_s * 2 ** min(tries - 1, 16))
            self._retry_at[key] = self._clock.monotonic() + wait_s
            log.info("step failed pod=%s step=%r retry_s=%.1f: %s", self._pod, key, wait_s, error)
        finally:
            self._tasks.pop(key, None)
            self._changed()

    def next_s(self) -> float | None:
        """Seconds until the first of the steps that were put off since it was asked last; 0 where its time has come meanwhile."""
        put_off, self._put_off = self._put_off, []
        return max(0.0, min(put_off) - self._clock.monotonic()) if put_off else None

    async def stop(self) -> None:
        """Cut short whatever is under way."""
        await stop(*self._tasks.values())

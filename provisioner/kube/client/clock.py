"""Time as a dependency: what decides by the clock gets one, so that a test can turn it."""

from __future__ import annotations

import asyncio
import heapq
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """`now` is wall time for what is written into objects; `monotonic` (seconds) is for every interval."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, delay_s: float) -> None: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)


class FakeClock:
    """A clock that moves only by `advance`; sleepers wake in the order of their deadlines."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic(self) -> float:
        return self._elapsed_s

    async def sleep(self, delay_s: float) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._elapsed_s + delay_s, self._count, waiter))
        await waiter

    async def advance(self, seconds: float) -> None:
        """Move time on, waking sleepers on the way and letting each run before the next wakes."""
        end = self._elapsed_s + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._elapsed_s, _, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                waiter.set_result(None)
            await _settle()
        self._elapsed_s = end
        await _settle()


async def _settle() -> None:
    # Guess: enough turns of the loop for a chain of callbacks to run out.
    for _ in range(20):
        await asyncio.sleep(0)

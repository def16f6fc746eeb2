"""The work queue: keys to reconcile, each at most once at a time, with delays and backoff for each key.

As client-go's: a key added twice before it is taken is one key; one added while it is worked on is taken again after `done`.
Bounded: past `max_keys` distinct keys `add` raises QueueFull, since a queue that long means that nobody works.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Iterable

from provisioner.kube.client import series
from provisioner.kube.client.clock import Clock, SystemClock
from provisioner.kube.client.series import Histogram, Sample, exponential
from provisioner.kube.client.tasks import spawn

# Upstream's: ten nanoseconds to a thousand seconds.
BOUNDS_S = exponential(1e-8, 10, 12)


class QueueFull(Exception):
    """More distinct keys wait than the queue's bound."""


class QueueClosed(Exception):
    """`get` after `close`, with nothing left to take."""


class WorkQueue:
    """Delays in seconds; backoff of a key is `first_delay_s` doubling to `max_delay_s`, until `forget`."""

    def __init__(
        self,
        name: str,
        *,
        clock: Clock | None = None,
        max_keys: int = 100_000,
        first_delay_s: float = 0.005,
        max_delay_s: float = 1000.0,
    ) -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._max_keys = max_keys
        self._first_delay_s, self._max_delay_s = first_delay_s, max_delay_s
        self._order: deque[str] = deque()
        self._dirty: set[str] = set()
        # key -> since when
        self._working: dict[str, float] = {}
        self._waiting_since: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._later: list[tuple[float, str]] = []
        self._timer: asyncio.Task[None] | None = None
        self._takers: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self._adds = self._retries = 0
        self._queued_s = Histogram("workqueue_queue_duration_seconds", BOUNDS_S)
        self._worked_s = Histogram("workqueue_work_duration_seconds", BOUNDS_S)
        series.tell(self)

    def samples(self) -> Iterable[Sample]:
        labels = {"name": self.name}
        yield Sample("gauge", "workqueue_depth", labels, len(self._order))
        yield Sample("counter", "workqueue_adds_total", labels, self._adds)
        yield Sample("counter", "workqueue_retries_total", labels, self._retries)
        now = self._clock.monotonic()
        running = [now - since for since in self._working.values()]
        yield Sample("gauge", "workqueue_unfinished_work_seconds", labels, sum(running))
        yield Sample("gauge", "workqueue_longest_running_processor_seconds", labels, max(running, default=0.0))
        yield from self._queued_s.samples()
        yield from self._worked_s.samples()

    def __len__(self) -> int:
        return len(self._order)

    def add(self, key: str) -> None:
        if key in self._dirty or self._closed:
            return
        if len(self._dirty) >= self._max_keys:
            raise QueueFull(f"queue {self.name}: {self._max_keys} keys wait")
        self._dirty.add(key)
        self._waiting_since[key] = self._clock.monotonic()
        self._adds += 1
        if key not in self._working:
            self._order.append(key)
            self._wake()

    def add_after(self, key: str, delay_s: float) -> None:
        """Add the key when `delay_s` has passed; of several delays for one key the earliest counts."""
        if delay_s <= 0:
            self.add(key)
            return
        due = self._clock.monotonic() + delay_s
        if self._closed or self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        earliest = not self._later or due < self._later[0][0]
        heapq.heappush(self._later, (due, key))
        if earliest:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = spawn(f"queue {self.name} timer", self._tick())

    def add_rate_limited(self, key: str) -> None:
        """Add the key after its backoff, which doubles with each call until `forget`."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self._retries += 1
        self.add_after(key, min(self._max_delay_s, self._first_delay_s * 2 ** min(failures, 40)))

    def forget(self, key: str) -> None:
        self._failures.pop(key, None)

    def retries(self, key: str) -> int:
        return self._failures.get(key, 0)

    async def get(self) -> str:
        """The next key, which is the caller's until `done`. Raises QueueClosed."""
        while not self._order:
            if self._closed:
                raise QueueClosed(self.name)
            taker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._takers.append(taker)
            try:
                await taker
            except asyncio.CancelledError:
                if taker.done() and not taker.cancelled():
                    self._wake()
                raise
        key = self._order.popleft()
        self._dirty.discard(key)
        now = self._clock.monotonic()
        self._working[key] = now
        self._queued_s.observe(now - self._waiting_since.pop(key, now), name=self.name)
        return key

    def done(self, key: str) -> None:
        since = self._working.pop(key, None)
        if since is not None:
            self._worked_s.observe(self._clock.monotonic() - since, name=self.name)
        if key in self._dirty:
            self._order.append(key)
            self._wake()

    def close(self) -> None:
        """Take no more keys; those who wait in `get` get QueueClosed once the queue is empty."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._takers:
            self._wake()

    def _wake(self) -> None:
        while self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return

    async def _tick(self) -> None:
        while self._later:
            wait_s = self._later[0][0] - self._clock.monotonic()
            if wait_s > 0:
                await self._clock.sleep(wait_s)
                continue
            due, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)
        self._timer = None

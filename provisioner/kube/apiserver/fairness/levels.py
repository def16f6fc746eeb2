"""One priority level: its seats, and the queues of those who wait for one.

A flow is dealt a hand of queues and waits in the one with the least work before it (shuffle sharding), so that flows that crowd seldom
share all queues with others. Queues are served by virtual time: the one that has had least, counting the seats and seconds its requests
take, is next. Source: "API Priority and Fairness"; fair queuing as Nagle's and Demers'.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from provisioner.kube.api.errors import too_many_requests
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.client.series import Spread

# How long a request is expected to take before it is known: upstream's guess.
EXPECTED_S = 0.003
# Hands that are remembered; all are forgotten when there are more.
HANDS = 4096


@dataclass(frozen=True, slots=True)
class Queuing:
    queues: int
    hand_size: int
    queue_length: int


# Upstream's buckets of waiting, in seconds.
WAIT_S = (0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)


@dataclass(frozen=True, slots=True)
class Who:
    """What is told of a request that waits or is served. `came_at`: seconds since 1970."""

    schema: str
    distinguisher: str
    user: str
    target: Target
    came_at: float


@dataclass(slots=True, eq=False)
class _Waiting:
    seats: int
    go: asyncio.Future[None]
    who: Who


@dataclass(slots=True, eq=False)
class _Queue:
    """`seats` are waited for, `executing` are those of the `running` requests that waited here."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    seats: int = 0
    executing: int = 0
    running: int = 0
    # What it has had: seat-seconds, counted from when the level last had nothing to do.
    virtual: float = 0.0


class Level:
    """`limit` is how many seats may be taken now; None for an exempt level. `queuing` None: who finds no seat is refused."""

    def __init__(self, name: str, now: Callable[[], float]) -> None:
        self.name, self._now = name, now
        self.uid = ""
        self.nominal = 0
        self.limit: int | None = 0
        self.queuing: Queuing | None = None
        self.in_use = 0
        self.waiting_seats = 0
        self.executing = 0
        self.waiting = 0
        # The most seats that were wanted at once since it was last looked at.
        self.peak = 0
        self.dispatched = 0
        self.rejected: dict[str, int] = {}
        # How long requests waited in a queue, in seconds, by flow schema and whether their turn came.
        self.waited: dict[tuple[str, bool], Spread] = {}
        self.queues: list[_Queue] = []
        # Requests that are served, as far as they took the long way: (who, seats, since when, seconds since 1970).
        self.served: dict[int, tuple[Who, int, float]] = {}
        self._hands: dict[int, tuple[int, ...]] = {}

    def configure(self, queuing: Queuing | None, limit: int | None) -> None:
        """Who waits in a queue that there is no longer waits on in it until it is empty."""
        if queuing != self.queuing:
            wanted = queuing.queues if queuing is not None else 0
            while len(self.queues) > wanted and not self.queues[-1].waiting and not self.queues[-1].executing:
                self.queues.pop()
            self.queues += [_Queue() for _ in range(wanted - len(self.queues))]
            self._hands.clear()
        self.queuing = queuing
        self.set_limit(limit)

    def set_limit(self, limit: int | None) -> None:
        self.limit = limit
        if self.waiting:
            self._dispatch()

    def enter(self, seats: int) -> bool:
        """Take seats at once, if they are there and nobody waits."""
        if self.limit is not None and (self.waiting or (self.in_use + seats > self.limit and self.in_use)):
            return False
        self.in_use += seats
        self.executing += 1
        self.dispatched += 1
        if self.in_use > self.peak:
            self.peak = self.in_use
        return True

    def leave(self, seats: int) -> None:
        """Of who entered without waiting."""
        self.in_use -= seats
        self.executing -= 1
        if self.waiting:
            self._dispatch()

    async def wait(self, flow: int, seats: int, timeout_s: float, who: Who) -> Callable[[], None]:
        """Take seats after waiting for them; what is given gives them back. Raises 429."""
        if self.queuing is None:
            raise self._refused("concurrency-limit")
        queue = self._chosen(flow)
        if len(queue.waiting) >= self.queuing.queue_length:
            raise self._refused("queue-full")
        if not queue.waiting and not queue.executing:
            queue.virtual = max(queue.virtual, self._progress())
        mine = _Waiting(seats, asyncio.get_running_loop().create_future(), who)
        queue.waiting.append(mine)
        queue.seats += seats
        self.waiting += 1
        self.waiting_seats += seats
        self.peak = max(self.peak, self.in_use + self.waiting_seats)
        since = self._now()
        self._dispatch()
        try:
            async with asyncio.timeout(timeout_s):
                await mine.go
        except TimeoutError:
            if not mine.go.done() or mine.go.cancelled():
                self._give_up(queue, mine)
                self._has_waited(who, since, served=False)
                raise self._refused("time-out") from None
        except asyncio.CancelledError:
            if mine.go.done() and not mine.go.cancelled():
                self._finish(queue, mine, 0.0)
            else:
                self._give_up(queue, mine)
                self._has_waited(who, since, served=False)
                self._refused("cancelled")
            raise
        started = self._has_waited(who, since, served=True)
        return lambda: self._finish(queue, mine, self._now() - started)

    def _has_waited(self, who: Who, since: float, *, served: bool) -> float:
        """Now."""
        now = self._now()
        self.waited.setdefault((who.schema, served), Spread(WAIT_S)).add(now - since)
        return now

    def _refused(self, reason: str) -> Exception:
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        return too_many_requests("too many requests, please try again later")

    def _give_up(self, queue: _Queue, mine: _Waiting) -> None:
        if mine in queue.waiting:
            queue.waiting.remove(mine)
            queue.seats -= mine.seats
            self.waiting -= 1
            self.waiting_seats -= mine.seats
            self._dispatch()

    def _progress(self) -> float:
        """The virtual time of now: what the queue that has had least of those with work has had."""
        return min((q.virtual for q in self.queues if q.waiting or q.executing), default=0.0)

    def _chosen(self, flow: int) -> _Queue:
        hand = self._hands.get(flow)
        if hand is None:
            assert self.queuing is not None
            if len(self._hands) >= HANDS:
                self._hands.clear()
            hand = self._hands[flow] = dealt(flow, self.queuing.queues, self.queuing.hand_size)
        return min((self.queues[i] for i in hand), key=lambda q: (q.seats + q.executing, q.virtual))

    def _dispatch(self) -> None:
        while self.waiting:
            queue = min((q for q in self.queues if q.waiting), key=lambda q: q.virtual + q.waiting[0].seats * EXPECTED_S)
            head = queue.waiting[0]
            if self.limit is not None and self.in_use and self.in_use + head.seats > self.limit:
                return
            queue.waiting.popleft()
            self.waiting -= 1
            self.waiting_seats -= head.seats
            queue.seats -= head.seats
            if head.go.done():
                continue
            queue.executing += head.seats
            queue.running += 1
            queue.virtual += head.seats * EXPECTED_S
            self.in_use += head.seats
            self.executing += 1
            self.dispatched += 1
            head.go.set_result(None)

    def _finish(self, queue: _Queue, mine: _Waiting, took_s: float) -> None:
        """What was expected is put right by what it took."""
        queue.virtual += mine.seats * (took_s - EXPECTED_S)
        queue.executing -= mine.seats
        queue.running -= 1
        self.leave(mine.seats)


def dealt(hash_: int, queues: int, hand_size: int) -> tuple[int, ...]:
    """A hand of different queues for a flow."""
    deck = list(range(queues))
    hand = []
    for _ in range(min(hand_size, queues)):
        hash_, place = divmod(hash_, len(deck))
        hand.append(deck.pop(place))
    return tuple(hand)

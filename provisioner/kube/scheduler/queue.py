"""What to schedule next: the active pods by priority and age, those that back off, and those that wait for the cluster to change. Pure.

As upstream's three queues: a pod that found no node waits in `unschedulable` until something happens that may help (`move`), or for
UNSCHEDULABLE_S at most; then it backs off 1 s, 2 s, … 10 s after its last attempt before it is active again.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from provisioner.kube.scheduler.facts import PodFacts

FIRST_BACKOFF_S = 1.0
MAX_BACKOFF_S = 10.0
UNSCHEDULABLE_S = 300.0


@dataclass(eq=False)
class Waiting:
    """A pod in one of the queues."""

    facts: PodFacts
    added_s: float
    attempts: int = 0
    tried_s: float = 0.0


@dataclass
class SchedulingQueue:
    """Times are seconds of one monotonic clock, given by the caller."""

    first_backoff_s: float = FIRST_BACKOFF_S
    max_backoff_s: float = MAX_BACKOFF_S
    _active: list[tuple[int, float, int, str]] = field(default_factory=list)
    _backoff: list[tuple[float, int, str]] = field(default_factory=list)
    _unschedulable: dict[str, Waiting] = field(default_factory=dict)
    _pods: dict[str, Waiting] = field(default_factory=dict)
    _in: dict[str, str] = field(default_factory=dict)
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def _backoff_s(self, waiting: Waiting) -> float:
        return float(min(self.max_backoff_s, self.first_backoff_s * 2 ** max(0, waiting.attempts - 1)))

    def __len__(self) -> int:
        return len(self._pods)

    def add(self, facts: PodFacts, now_s: float) -> None:
        """A pod without a node is new, or has changed: it is tried as soon as its turn comes."""
        waiting = self._pods.get(facts.uid)
        if waiting is None:
            waiting = self._pods[facts.uid] = Waiting(facts, now_s)
        waiting.facts = facts
        self._unschedulable.pop(facts.uid, None)
        if self._in.get(facts.uid) != "active":
            self._activate(waiting)

    def _activate(self, waiting: Waiting) -> None:
        facts = waiting.facts
        self._in[facts.uid] = "active"
        heapq.heappush(self._active, (-facts.priority, waiting.added_s, next(self._count), facts.uid))

    def remove(self, uid: str) -> None:
        """A pod is gone or has a node."""
        self._pods.pop(uid, None)
        self._unschedulable.pop(uid, None)
        self._in.pop(uid, None)

    def pop(self, now_s: float) -> Waiting | None:
        """The next pod to try, or None where none is due. It is out of the queues until `add`, `failed` or `remove`."""
        while self._backoff and self._backoff[0][0] <= now_s:
            _, _, uid = heapq.heappop(self._backoff)
            if self._in.get(uid) == "backoff":
                self._activate(self._pods[uid])
        while self._active:
            *_, uid = heapq.heappop(self._active)
            if self._in.get(uid) == "active":
                self._in[uid] = "trying"
                waiting = self._pods[uid]
                waiting.attempts += 1
                waiting.tried_s = now_s
                return waiting
        return None

    def failed(self, uid: str) -> None:
        """No node would do: wait for a change."""
        if self._in.get(uid) == "trying":
            self._in[uid] = "unschedulable"
            self._unschedulable[uid] = self._pods[uid]

    def retry(self, uid: str, now_s: float) -> None:
        """Something went wrong that time may mend (a binding that failed): back off, then try again."""
        if uid in self._pods and self._in.get(uid) in ("trying", "unschedulable"):
            waiting = self._pods[uid]
            self._unschedulable.pop(uid, None)
            self._in[uid] = "backoff"
            heapq.heappush(self._backoff, (max(now_s, waiting.tried_s + self._backoff_s(waiting)), next(self._count), uid))

    def waiting(self) -> dict[str, int]:
        """How many pods wait in each queue, by upstream's names of them."""
        places = Counter(self._in.values())
        return {"active": places["active"], "backoff": places["backoff"], "unschedulable": places["unschedulable"]}

    def __contains__(self, uid: str | None) -> bool:
        return uid in self._pods

    def refresh(self, facts: PodFacts) -> None:
        """A pod's newer object, by which nothing is decided otherwise: it waits on where it is."""
        if facts.uid in self._pods:
            self._pods[facts.uid].facts = facts

    def move(self, now_s: float, helps: Callable[[PodFacts], bool] = lambda _: True) -> bool:
        """The cluster changed in a way that may help: what waits and `helps` backs off from its last attempt, then is tried.

        Whether anything did.
        """
        moved = [uid for uid, waiting in self._unschedulable.items() if helps(waiting.facts)]
        for uid in moved:
            self.retry(uid, now_s)
        return bool(moved)

    def move_old(self, now_s: float) -> None:
        """Pods that have waited UNSCHEDULABLE_S are tried again whatever happened."""
        for uid, waiting in list(self._unschedulable.items()):
            if now_s - waiting.tried_s >= UNSCHEDULABLE_S:
                self.retry(uid, now_s)

    def next_due_s(self) -> float | None:
        """When the earliest pod that backs off is due."""
        return self._backoff[0][0] if self._backoff else None

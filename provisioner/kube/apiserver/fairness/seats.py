"""Seats for requests: by priority and fairness, or, where that is switched off, by counting reads and writes."""

from __future__ import annotations

from provisioner.kube.api.errors import too_many_requests
from provisioner.kube.apiserver.app import Seat
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.fairness.controller import Fairness
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import WatchCache


def _nothing() -> None: ...


class FairSeats:
    def __init__(self, fairness: Fairness, registry: Registry, cache: WatchCache) -> None:
        self._fairness, self._registry, self._cache = fairness, registry, cache

    async def take(self, user: User, target: Target, call: Call) -> Seat:
        """Raises 429."""
        way = self._fairness.way(user, target)
        level = way.level
        seats = self._list_seats(target, call) if target.verb == "list" else 1
        if level.enter(seats):
            return Seat(lambda: level.leave(seats), way.headers)
        return Seat(await level.wait(way.flow.hash, seats, self._fairness.queue_s), way.headers)

    def _list_seats(self, target: Target, call: Call) -> int:
        kind = self._registry.find(target.group, target.version, target.resource)
        if kind is None:
            return 1
        objects = len(self._cache.collection(kind.stored_as).entries)
        limit = call.query.get("limit", "")
        return self._fairness.seats_of_list(min(objects, int(limit)) if limit.isdigit() and int(limit) else objects)


class CountedSeats:
    """--max-requests-inflight and --max-mutating-requests-inflight, 0 for no limit; system:masters and watches aren't counted."""

    def __init__(self, reads: int, writes: int) -> None:
        self._limits = {"read": reads, "write": writes}
        self._taken = {"read": 0, "write": 0}

    async def take(self, user: User, target: Target, call: Call) -> Seat:
        """Raises 429."""
        if target.verb == "watch" or "system:masters" in user.groups:
            return Seat(_nothing, {})
        lane = "read" if target.verb in ("get", "list") else "write"
        if self._limits[lane] and self._taken[lane] >= self._limits[lane]:
            raise too_many_requests("Too many requests, please try again later.")
        self._taken[lane] += 1
        return Seat(lambda: self._leave(lane), {})

    def _leave(self, lane: str) -> None:
        self._taken[lane] -= 1

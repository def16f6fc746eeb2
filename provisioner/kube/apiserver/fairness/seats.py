"""Seats for requests: by priority and fairness, or, where that is switched off, by counting reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from provisioner.kube.api.errors import too_many_requests
from provisioner.kube.apiserver.app import Seat
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.fairness.controller import Fairness, Way
from provisioner.kube.apiserver.fairness.levels import Who
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import WatchCache


def _nothing() -> None: ...


class FairSeats:
    def __init__(self, fairness: Fairness, registry: Registry, cache: WatchCache) -> None:
        self._fairness, self._registry, self._cache = fairness, registry, cache

    def enter(self, user: User, target: Target, query: Mapping[str, str]) -> Seat | None:
        way, seats = self._wanted(user, target, query)
        return self._entered(way, seats)

    async def take(self, user: User, target: Target, query: Mapping[str, str]) -> Seat:
        """Raises 429."""
        way, seats = self._wanted(user, target, query)
        seat, now = self._entered(way, seats), self._fairness.clock.now
        who = Who(way.flow.schema, way.flow.distinguisher, user.name, target, now().timestamp())
        if seat is None:
            leave = await way.level.wait(way.flow.hash, seats, self._fairness.queue_s, who)
            way.dispatched += 1
        else:
            leave = seat.leave
        served = way.level.served
        served[id(who)] = (who, seats, now().timestamp())

        def left() -> None:
            served.pop(id(who), None)
            leave()

        return Seat(left, way.headers)

    def headers(self, user: User, target: Target) -> Mapping[str, str]:
        return self._fairness.way(user, target).headers

    def _wanted(self, user: User, target: Target, query: Mapping[str, str]) -> tuple[Way, int]:
        return self._fairness.way(user, target), self._list_seats(target, query) if target.verb == "list" else 1

    def _entered(self, way: Way, seats: int) -> Seat | None:
        if not way.level.enter(seats):
            return None
        way.dispatched += 1
        return Seat(partial(way.level.leave, seats), way.headers)

    def _list_seats(self, target: Target, query: Mapping[str, str]) -> int:
        kind = self._registry.find(target.group, target.version, target.resource)
        if kind is None:
            return 1
        objects = len(self._cache.collection(kind.stored_as).entries)
        limit = query.get("limit", "")
        return self._fairness.seats_of_list(min(objects, int(limit)) if limit.isdigit() and int(limit) else objects)


class CountedSeats:
    """--max-requests-inflight and --max-mutating-requests-inflight, 0 for no limit; system:masters and watches aren't counted."""

    def __init__(self, reads: int, writes: int) -> None:
        self._limits = {"read": reads, "write": writes}
        self._taken = {"read": 0, "write": 0}

    def enter(self, user: User, target: Target, query: Mapping[str, str]) -> Seat | None:
        if target.verb == "watch" or "system:masters" in user.groups:
            return Seat(_nothing, {})
        lane = "read" if target.verb in ("get", "list") else "write"
        if self._limits[lane] and self._taken[lane] >= self._limits[lane]:
            return None
        self._taken[lane] += 1
        return Seat(partial(self._leave, lane), {})

    async def take(self, user: User, target: Target, query: Mapping[str, str]) -> Seat:
        """Raises 429."""
        seat = self.enter(user, target, query)
        if seat is None:
            raise too_many_requests("Too many requests, please try again later.")
        return seat

    def headers(self, user: User, target: Target) -> Mapping[str, str]:
        return {}

    def _leave(self, lane: str) -> None:
        self._taken[lane] -= 1

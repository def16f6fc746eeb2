"""Proves that no request goes on that a strict log could not be told of, and that nothing else stops one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.audit.events import Audit
from provisioner.kube.apiserver.audit.policy import Policy, Rule
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.requests import Target


class Backend:
    """Stores so many events."""

    def __init__(self, room: int) -> None:
        self.room, self.asked = room, 0

    def write(self, line: bytes) -> bool:
        self.asked += 1
        return self.asked <= self.room

    async def close(self) -> None: ...


def audit(strict: bool, *rooms: int) -> tuple[Audit, list[Backend]]:
    backends = [Backend(room) for room in rooms]
    policy = Policy(rules=(Rule(level="Metadata"),))
    return Audit(policy, backends, lambda: datetime.now(UTC), Metrics(), backends[:1] if strict else ()), backends


def begin(made: Audit) -> Any:
    return made.begin(make_mocked_request("GET", "/version"), Target("get", "/version"), None, "id")


def test_a_strict_log_that_stores_nothing_refuses() -> None:
    made, backends = audit(True, 0, 9)
    with pytest.raises(StatusError, match="failed to store audit event") as refused:
        begin(made)
    assert refused.value.code == 500 and [backend.asked for backend in backends] == [1, 1]


@pytest.mark.parametrize(("strict", "rooms"), [(False, (0, 0)), (True, (9, 0)), (True, (1, 9))])
def test_what_does_not_refuse(strict: bool, rooms: tuple[int, ...]) -> None:
    """Another log that is full, and a strict one that gets full after the request has begun."""
    made, backends = audit(strict, *rooms)
    begin(made).complete(200, None, None)
    assert [backend.asked for backend in backends] == [2, 2]


class Later:
    """Says later whether it has stored an event."""

    def __init__(self, room: int) -> None:
        self._backend = Backend(room)

    def write(self, line: bytes) -> asyncio.Future[bool]:
        found: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(found.set_result, self._backend.write(line))
        return found

    async def close(self) -> None: ...


@pytest.mark.parametrize(("strict", "room", "sent"), [(False, 0, True), (True, 0, False), (True, 1, True)])
async def test_a_request_waits_for_what_is_on_its_way(strict: bool, room: int, sent: bool) -> None:
    backend = Later(room)
    policy = Policy(rules=(Rule(level="Metadata"),))
    record = begin(Audit(policy, [backend], lambda: datetime.now(UTC), Metrics(), [backend] if strict else []))
    assert await record.sent() is sent and await record.sent() is True

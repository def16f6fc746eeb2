"""Proves that no request goes on that a strict log could not be told of, and that nothing else stops one."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.audit.events import BODY, Audit
from provisioner.kube.apiserver.audit.policy import Policy, Rule
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.replies import Listed, Reply
from provisioner.kube.apiserver.requests import Target


class Backend:
    """Stores so many events."""

    def __init__(self, room: int) -> None:
        self.room, self.asked = room, 0

    def write(self, line: bytes) -> bool:
        self.asked += 1
        return self.asked <= self.room

    async def close(self) -> None: ...


class Kept(Backend):
    """Has room for a test's events, and keeps them."""

    def __init__(self) -> None:
        super().__init__(9)
        self.events: list[dict[str, Any]] = []

    def write(self, line: bytes) -> bool:
        self.events.append(json.loads(line))
        return super().write(line)


def kept(level: str) -> tuple[Audit, list[dict[str, Any]]]:
    backend = Kept()
    return Audit(Policy(rules=(Rule(level=level),)), [backend], lambda: datetime.now(UTC), Metrics()), backend.events


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


@pytest.mark.parametrize(
    ("level", "verb", "name", "body", "reference"),
    [
        ("Metadata", "create", "", b'{"metadata": {"name": "made", "namespace": "n"}}', {"name": "made"}),
        ("Request", "create", "", b'{"metadata": {"generateName": "made-"}}', {}),
        (
            "Metadata",
            "update",
            "there",
            b'{"metadata": {"name": "other", "uid": "u", "resourceVersion": "7"}}',
            {"name": "there", "uid": "u", "resourceVersion": "7"},
        ),
        ("Metadata", "create", "", b"not: json", {}),
        ("Metadata", "get", "there", b"", {"name": "there"}),
    ],
)
@pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")
def test_what_is_made_is_named(level: str, verb: str, name: str, body: bytes, reference: dict[str, str]) -> None:
    made, told = kept(level)
    request = make_mocked_request("POST", "/api/v1/namespaces/n/secrets")
    record = made.begin(request, Target(verb, "/", "", "v1", "secrets", "n", name), None, "id")
    assert record is not None
    if record.wants_body:
        request[BODY] = body
    record.complete(200, None, None)
    assert told[-1]["objectRef"] == {"resource": "secrets", "namespace": "n", "apiVersion": "v1", **reference}


def test_a_list_that_is_not_in_one_piece_is_told() -> None:
    made, told = kept("RequestResponse")
    answer = Reply(body=Listed(b'{"items": [', [b"1", b"2"], b"]}"), content_type="application/json")
    begin(made).complete(200, answer, None)
    assert told[-1]["responseObject"] == {"items": [1, 2]}


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

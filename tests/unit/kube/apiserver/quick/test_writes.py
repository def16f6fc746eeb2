"""Proves that the short way of writes takes only whole plain requests, hands them to the same code as the long way, and that whatever becomes
of one gives its seat back and is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.apiserver.app import Gate, Seat
from provisioner.kube.apiserver.authorization.authz import Verdict
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.quick.connections import Server
from provisioner.kube.apiserver.quick.entrance import Entrance
from provisioner.kube.apiserver.quick.writes import QuickWrites
from provisioner.kube.storage.etcd import EtcdError

MAPS = "/api/v1/namespaces/ns/configmaps"
BODY = '{"metadata":{"name":"one"}}'


class Place:
    """A server whose writes wait for the test, whose long way says what it was asked."""

    def __init__(self) -> None:
        self.seats, self.asked, self.long = 2, [], []  # type: ignore[var-annotated]
        self.go, self.outcome = asyncio.Event(), (b'{"kind":"ConfigMap"}', 201)
        self.go.set()
        self.error: Exception | None = None
        self.warnings: list[str] = []
        self.metrics = Metrics()
        verbs = ("get", "create", "update", "patch")
        kind = SimpleNamespace(as_stored=True, converts=False, deprecation="", resource=SimpleNamespace(namespaced=True, verbs=verbs))
        gate: Any = Gate(SimpleNamespace(authenticate=lambda *_: User("eve")), SimpleNamespace(decide=lambda *_: Verdict(allowed=True)))  # type: ignore[arg-type]
        forward: Any = SimpleNamespace(takes=lambda target: False)
        entrance = Entrance(gate, self, forward, SimpleNamespace(find=lambda *_: kind))  # type: ignore[arg-type]
        ways = QuickWrites(entrance, self, self.metrics)  # type: ignore[arg-type]
        self.server = Server(self._handle, {b"POST": ways, b"PUT ": ways, b"PATC": ways}, access_log=None, handler_cancellation=True)
        self.runner = web.ServerRunner(self.server, handle_signals=False, shutdown_timeout=5)
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def answer(self, kind: Any, call: Call, body: bytes, media: str | None) -> tuple[bytes, int]:
        """In the place of Writes."""
        self.asked.append((call.target.verb, call.target.name, call.field_manager, body.decode(), media))
        call.warnings += self.warnings
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return self.outcome

    def enter(self, user: User, target: Any, query: Any) -> Seat | None:
        self.seats -= 1
        return Seat(self._left, {"X-Seat": "yes"})

    def _left(self) -> None:
        self.seats += 1

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.long.append(f"{request.method} {request.path_qs} {(await request.read()).decode()}")
        return web.Response(text="long")

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answered(self) -> tuple[str, dict[str, str], bytes]:
        async with asyncio.timeout(5):
            status, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            return status, headers, await self.reader.readexactly(int(headers["content-length"]))

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)

    def counted(self, code: int) -> bool:
        return f'code="{code}"' in self.metrics.text()[0].decode()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    await made.runner.setup()
    site = web.TCPSite(made.runner, "127.0.0.1", 0)
    await site.start()
    made.reader, made.writer = await asyncio.open_connection(*made.runner.addresses[0])
    yield made
    made.writer.close()
    made.go.set()
    await made.runner.cleanup()


def request(start: str = f"POST {MAPS}", body: str = BODY, *headers: str) -> bytes:
    lines = [
        f"{start} HTTP/1.1",
        "Host: x",
        "User-Agent: wrk/1",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, "", body]).encode()


@pytest.mark.parametrize(
    ("start", "asked"),
    [
        (f"POST {MAPS}", ("create", "", "wrk")),
        (f"PUT {MAPS}/one?fieldManager=me", ("update", "one", "me")),
        (f"PATCH {MAPS}/one", ("patch", "one", "wrk")),
    ],
)
async def test_a_write_is_answered_with_what_is_stored(place: Place, start: str, asked: tuple[str, ...]) -> None:
    for _ in range(2):
        await place.send(request(start))
        status, headers, body = await place.answered()
        assert (status, body, headers["content-type"], headers["x-seat"]) == (
            "HTTP/1.1 201 Created",
            b'{"kind":"ConfigMap"}',
            "application/json",
            "yes",
        )
        assert len(headers["audit-id"]) == 36 and headers["cache-control"] == "no-cache, private"
    assert place.asked == [(*asked, BODY, "application/json")] * 2
    assert place.seats == 2 and place.long == [] and place.counted(201)


LONG_WAYS = {
    "chunked": request().replace(f"Content-Length: {len(BODY)}".encode(), b"Transfer-Encoding: chunked").replace(
        BODY.encode(), b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY.encode())
    ),
    "a delete": request(f"DELETE {MAPS}/one"),
    "a dry run": request(f"POST {MAPS}?dryRun=All"),
    "YAML as the answer": request(f"POST {MAPS}", BODY, "Accept: application/yaml"),
    "impersonation": request(f"POST {MAPS}", BODY, "Impersonate-User: root"),
    "an audit id": request(f"POST {MAPS}", BODY, "Audit-Id: mine"),
    "a subresource": request(f"POST {MAPS}/one/eviction"),
    "a long head": request(f"POST {MAPS}", BODY, "User-Agent2: " + "x" * 5000),
}  # fmt: skip


@pytest.mark.parametrize("data", LONG_WAYS.values(), ids=LONG_WAYS)
async def test_everything_else_goes_the_long_way(place: Place, data: bytes) -> None:
    await place.send(data)
    assert (await place.answered())[2] == b"long"
    assert len(place.long) == 1 and place.long[0].endswith(BODY) and place.asked == [] and place.seats == 2


async def test_a_body_in_pieces_goes_the_long_way_and_the_next_whole_one_the_short(place: Place) -> None:
    data = request()
    await place.send(data[:-5])
    await asyncio.sleep(0.02)
    await place.send(data[-5:])
    assert (await place.answered())[2] == b"long"
    await place.send(request())
    assert (await place.answered())[0] == "HTTP/1.1 201 Created"


async def test_two_lengths_are_refused_by_the_long_way(place: Place) -> None:
    await place.send(request(f"POST {MAPS}", BODY, f"Content-Length: {len(BODY)}"))
    async with asyncio.timeout(5):
        assert b" 400 " in await place.reader.readline()
    assert place.asked == []


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (errors.not_found("configmaps", "one"), "404 Not Found", "NotFound"),
        (errors.too_many_requests("later", 3), "429 Too Many Requests", "TooManyRequests"),
        (EtcdError("etcd is away"), "503 Service Unavailable", "ServiceUnavailable"),
        (RuntimeError("a bug"), "500 Internal Server Error", "InternalError"),
    ],
)
async def test_errors_become_a_status(place: Place, error: Exception, status: str, reason: str) -> None:
    place.error = error
    await place.send(request())
    line, headers, body = await place.answered()
    assert line == f"HTTP/1.1 {status}" and f'"reason":"{reason}"'.encode() in body
    assert headers["content-type"] == "application/json" and headers["x-seat"] == "yes" and place.seats == 2
    assert headers.get("retry-after") == ("3" if "429" in status else None)


async def test_warnings_are_one_line_each(place: Place) -> None:
    place.warnings = ['unknown field "spec.a"', "two\r\nlines: x"]
    await place.send(request())
    async with asyncio.timeout(5):
        head = (await place.reader.readuntil(b"\r\n\r\n")).decode()
    assert 'Warning: 299 - "unknown field \\"spec.a\\""\r\n' in head and 'Warning: 299 - "two lines: x"\r\n' in head


async def test_what_comes_meanwhile_waits_its_turn(place: Place) -> None:
    place.go.clear()
    await place.send(request())
    await place.until(lambda: place.asked)
    await place.send(request(f"PUT {MAPS}/two") + b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert len(place.asked) == 1 and place.seats == 1
    place.go.set()
    assert (await place.answered())[0] == "HTTP/1.1 201 Created"
    assert [(await place.answered())[2] for _ in range(2)] == [b"long", b"long"]


async def test_a_client_that_leaves_ends_its_write_and_gives_back_its_seat(place: Place) -> None:
    place.go.clear()
    await place.send(request())
    await place.until(lambda: place.asked)
    place.writer.close()
    await place.until(lambda: place.seats == 2)
    assert place.counted(499)


async def test_a_client_that_leaves_before_its_write_has_begun(place: Place) -> None:
    await place.send(request())
    await place.until(lambda: place.server.connections)
    next(iter(place.server.connections)).transport.abort()  # type: ignore[union-attr]
    await place.until(lambda: not place.server.connections and place.seats == 2)


async def test_a_server_that_ends_answers_first(place: Place) -> None:
    place.go.clear()
    await place.send(request())
    await place.until(lambda: place.asked)
    ending = asyncio.ensure_future(place.runner.cleanup())
    await asyncio.sleep(0.02)
    assert not ending.done()
    place.go.set()
    assert (await place.answered())[0] == "HTTP/1.1 201 Created"
    await ending
    assert await place.reader.read() == b""

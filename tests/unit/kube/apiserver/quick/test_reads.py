"""Proves that the short way takes only what it may, answers as the long way does, and never mixes up whose bytes are whose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiohttp import web

from provisioner.kube.api.errors import unauthorized
from provisioner.kube.apiserver.app import Gate, Seat
from provisioner.kube.apiserver.authorization.authz import NO_OPINION, Verdict
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.lists import Lists
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.quick.connections import Server
from provisioner.kube.apiserver.quick.entrance import KEPT_HEADS, KEPT_LINES, Entrance
from provisioner.kube.apiserver.quick.reads import BODY_BYTES, LIST_OBJECTS, QuickReads, _Read
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Collection, Entry, NotFresh
from provisioner.kube.storage.versions import last_of

DATA = b'{"kind":"ConfigMap","metadata":{"name":"one"}}'
PATH = "/api/v1/namespaces/ns/configmaps/one"


def kind(namespaced: bool = True, **known: Any) -> Any:
    stored_as = known.pop("stored_as", "core/configmaps")
    return SimpleNamespace(
        as_stored=True,
        converts=False,
        deprecation="",
        stored_as=stored_as,
        list_kind="ConfigMapList",
        strategy=SimpleNamespace(field_names=frozenset),
        resource=SimpleNamespace(namespaced=namespaced, verbs=("get", "list"), api_version="v1", **known),
    )


class Cache:
    """Fresh when the test says so."""

    def __init__(self) -> None:
        self.found, self.questions = Collection(), 0
        self.entries = self.found.entries
        self.revision, self.unreadable = 7, ()
        self.waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def collection(self, _: str) -> Collection:
        return self.found

    def freshness(self) -> asyncio.Future[None]:
        self.questions += 1
        return self.waiting


class Place:
    """A server whose long way says what it was asked."""

    def __init__(self) -> None:
        self.cache, self.long, self.seats = Cache(), [], 1  # type: ignore[var-annotated]
        self.cache.found.apply("ns/one", Entry("ns/one", 1, DATA, {}, {}), 1)
        self.verdict, self.metrics = Verdict(allowed=True), Metrics()
        self.kinds = {("", "v1", "configmaps"): kind(), ("", "v1", "nodes"): kind(namespaced=False)}
        gate: Any = Gate(SimpleNamespace(authenticate=self._user), SimpleNamespace(decide=lambda user, target: self.verdict))  # type: ignore[arg-type]
        registry: Any = SimpleNamespace(find=lambda *key: self.kinds.get(key))
        forward: Any = SimpleNamespace(takes=lambda target: False)
        self.entrance = Entrance(gate, self, forward, registry)  # type: ignore[arg-type]
        reads = QuickReads(self.entrance, self.cache, Lists(self.cache), self.metrics)  # type: ignore[arg-type]
        self.server = Server(self._handle, {b"GET ": reads}, access_log=None)
        self.writer: asyncio.StreamWriter
        self.reader: asyncio.StreamReader

    def _user(self, peer: Any, der: Any, headers: Any, path: str) -> User | None:
        if headers.get("Authorization") == "Bearer bad":
            raise unauthorized()
        return User("eve") if "Authorization" in headers else None

    def enter(self, user: User, target: Any, query: Any) -> Seat | None:
        if not self.seats:
            return None
        self.seats -= 1
        return Seat(self._left, {"X-Seat": "yes"})

    def _left(self) -> None:
        self.seats += 1

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.long.append(f"{request.method} {request.path_qs} {(await request.read()).decode()}".strip())
        return web.Response(text="long")

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(5):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            return {":status": head[0], **headers}, await self.reader.readexactly(int(headers["content-length"]))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    runner = web.ServerRunner(made.server, handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.reader, made.writer = await asyncio.open_connection(*runner.addresses[0])
    await asyncio.sleep(0)
    yield made
    made.writer.close()
    await runner.cleanup()


def get(path: str = f"{PATH}?resourceVersion=0", *headers: str, token: str = "good") -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: x", *headers] + ([f"Authorization: Bearer {token}"] if token else [])
    return "\r\n".join([*lines, "", ""]).encode()


async def test_an_object_is_answered_with_its_bytes(place: Place) -> None:
    for _ in range(2):
        await place.send(get())
        headers, body = await place.answer()
        assert (headers[":status"], body, headers["content-type"], headers["x-seat"]) == (
            "HTTP/1.1 200 OK",
            DATA,
            "application/json",
            "yes",
        )
        assert len(headers["audit-id"]) == 36 and headers["date"]
    assert place.long == [] and place.cache.questions == 0 and place.seats == 1
    assert 'verb="GET",version="v1",dry_run="",code="200"} 2' in place.metrics.text()[0].decode()


def many(place: Place, count: int, data: bytes = DATA) -> None:
    for number in range(count):
        key = f"ns/{number:04d}"
        place.cache.found.apply(key, Entry(key, 1, data, {}, {}), 1)


MAPS = "/api/v1/namespaces/ns/configmaps"


async def asked(place: Place) -> None:
    """Until etcd is asked for its revision."""
    async with asyncio.timeout(5):
        while not place.cache.questions:
            await asyncio.sleep(0.001)


async def test_any_state_is_given_whole(place: Place) -> None:
    many(place, 4)
    await place.send(get(f"{MAPS}?limit=2&resourceVersion=0"))
    page = msgspec.json.decode((await place.answer())[1])
    assert len(page["items"]) == 5 and "continue" not in page["metadata"]


async def test_a_list_is_answered_in_pages_of_one_moment(place: Place) -> None:
    many(place, 4)
    token, seen = "", []
    while True:
        await place.send(get(f"{MAPS}?limit=2" + (f"&continue={token}" if token else "")))
        if not token:
            await asked(place)
            place.cache.waiting.set_result(None)
        headers, body = await place.answer()
        page = msgspec.json.decode(body)
        assert (headers[":status"], page["kind"], page["apiVersion"]) == ("HTTP/1.1 200 OK", "ConfigMapList", "v1")
        assert page["metadata"]["resourceVersion"] == str(last_of(7))
        seen.append((len(page["items"]), page["metadata"].get("remainingItemCount")))
        token = page["metadata"].get("continue", "")
        if not token:
            break
        place.cache.found.apply("ns/later", Entry("ns/later", 2, DATA, {}, {}), 2)
    assert seen == [(2, 3), (2, 1), (1, None)]
    assert place.long == [] and place.seats == 1


async def test_a_list_of_all_namespaces_waits_until_it_is_of_now(place: Place) -> None:
    await place.send(get("/api/v1/configmaps"))
    await asked(place)
    many(place, 1)
    place.cache.waiting.set_result(None)
    assert len(msgspec.json.decode((await place.answer())[1])["items"]) == 2


@pytest.mark.parametrize(
    ("count", "bytes_each", "header", "is_short"),
    [
        (900, 1000, "Accept: */*", True),
        (900, 1000, "Accept-Encoding: gzip", False),
        (100, 1000, "Accept-Encoding: gzip", True),
        (LIST_OBJECTS, 10, "Accept: */*", False),
        (900, 1200, "Accept: */*", False),
    ],
)
async def test_a_list_that_is_large_or_to_be_compressed_goes_the_long_way(
    place: Place, count: int, bytes_each: int, header: str, is_short: bool
) -> None:
    many(place, count, b'{"a":"%b"}' % (b"x" * bytes_each))
    await place.send(get(f"{MAPS}?resourceVersion=0", header))
    _, body = await place.answer()
    assert (body == b"long") != is_short
    if is_short:
        assert len(msgspec.json.decode(body)["items"]) == count + 1


LONG_WAYS = {
    "no such object": get("/api/v1/namespaces/ns/configmaps/two?resourceVersion=0"),
    "a list of some": get("/api/v1/namespaces/ns/configmaps?labelSelector=a"),
    "a list of a version": get("/api/v1/namespaces/ns/configmaps?resourceVersion=5"),
    "a list of what nobody knows": get("/api/v1/namespaces/ns/configmaps?continue=abc"),
    "a watch": get("/api/v1/namespaces/ns/configmaps?watch=1"),
    "a list in a namespace where none belongs": get("/api/v1/namespaces/ns/nodes?resourceVersion=0"),
    "no namespace where one belongs": get("/api/v1/configmaps/one"),
    "a namespace where none belongs": get("/api/v1/namespaces/ns/nodes/one"),
    "a subresource": get(f"{PATH}/status"),
    "an unknown resource": get("/api/v1/namespaces/ns/maps/one"),
    "an option": get(f"{PATH}?pretty=true"),
    "a path with dots": get("/api/v1/namespaces/ns/secrets/../configmaps/one"),
    "a path with an escape": get("/api/v1/namespaces/ns/configmaps/on%65"),
    "a Table": get(PATH, "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"),
    "YAML": get(PATH, "Accept: application/yaml"),
    "impersonation": get(PATH, "Impersonate-User: root"),
    "a front proxy's header": get(PATH, "X-Remote-User: root"),
    "a header twice": get(PATH, "Accept: */*", "Accept: */*"),
    "the end of the connection": get(PATH, "Connection: close"),
    "no credentials": get(token=""),
    "wrong credentials": get(token="bad"),
    "a long head": get(f"{PATH}?resourceVersion=0", "User-Agent: " + "x" * 5000),
    "HTTP/1.0": get().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "another method": get().replace(b"GET", b"HEAD"),
    "a path that is not of the API": get("/healthz"),
}


@pytest.mark.parametrize("data", LONG_WAYS.values(), ids=LONG_WAYS)
async def test_everything_else_goes_the_long_way(place: Place, data: bytes) -> None:
    await place.send(data)
    async with asyncio.timeout(5):
        await place.reader.readuntil(b"\r\n\r\n")
    assert len(place.long) == 1 and place.seats == 1


@pytest.mark.parametrize("what", ["not allowed", "webhook", "no seat", "converted"])
async def test_what_the_server_can_not_say_at_once_goes_the_long_way(place: Place, what: str) -> None:
    if what == "converted":
        place.kinds["", "v1", "configmaps"].as_stored = False
    place.verdict = {"not allowed": NO_OPINION, "webhook": None}.get(what, place.verdict)  # type: ignore[assignment]
    place.seats = 0 if what == "no seat" else 1
    await place.send(get())
    assert (await place.answer())[1] == b"long"


async def test_a_consistent_read_waits_and_holds_what_comes_meanwhile(place: Place) -> None:
    await place.send(get(PATH))
    async with asyncio.timeout(5):
        while not place.cache.questions:
            await asyncio.sleep(0.001)
    assert place.seats == 0
    await place.send(get())
    await place.send(get("/healthz"))
    place.cache.waiting.set_result(None)
    answers = [(await place.answer())[1] for _ in range(3)]
    assert answers[0] == DATA and answers[2] == b"long"
    assert place.seats == 1 and place.long[-1] == "GET /healthz"


@pytest.mark.parametrize("why", ["stale", "gone"])
async def test_a_read_that_can_not_be_answered_is_handed_on_as_it_came(place: Place, why: str) -> None:
    await place.send(get(PATH))
    async with asyncio.timeout(5):
        while not place.cache.questions:
            await asyncio.sleep(0.001)
    if why == "stale":
        place.cache.waiting.set_exception(NotFresh("late"))
    else:
        place.cache.entries.clear()
        place.cache.waiting.set_result(None)
    assert (await place.answer())[1] == b"long"
    assert place.long == [f"GET {PATH}"] and place.seats == 1


async def test_a_body_that_looks_like_a_request_is_a_body(place: Place) -> None:
    inner = get()
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(inner)}\r\n\r\n".encode()
    await place.send(head)
    await asyncio.sleep(0.05)
    await place.send(inner)
    assert (await place.answer())[1] == b"long"
    assert place.long[0].startswith("POST") and len(place.long) == 1
    await place.send(get())  # the message was whole: the short way is open again
    assert (await place.answer())[1] == DATA


async def test_after_a_chunked_body_or_a_split_head_the_connection_is_aiohttps(place: Place) -> None:
    await place.send(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode())
    assert (await place.answer())[1] == b"long"
    data = get()
    await place.send(data[:20])
    await asyncio.sleep(0.05)
    await place.send(data[20:])
    assert (await place.answer())[1] == b"long"


async def test_what_is_kept_is_bounded(place: Place) -> None:
    for number in range(KEPT_LINES + 10):
        place.entrance.asked(f"GET /api/v1/namespaces/ns/configmaps/{number} HTTP/1.1".encode())
    assert len(place.entrance._lines) <= KEPT_LINES
    for number in range(KEPT_HEADS + 2):
        await place.send(get(f"{PATH}?resourceVersion=0", f"User-Agent: {number}"))
        await place.answer()
    connection = next(iter(place.server.connections))
    assert len(connection._heads) <= KEPT_HEADS  # type: ignore[attr-defined]


@pytest.mark.parametrize(("unsent", "is_short"), [(0, True), (BODY_BYTES, True), (BODY_BYTES + 1, False)])
def test_who_does_not_read_is_waited_for_on_the_long_way(unsent: int, is_short: bool) -> None:
    written: list[bytes] = []
    handed: list[bytes] = []
    transport = SimpleNamespace(get_write_buffer_size=lambda: unsent, write=written.append)
    connection: Any = SimpleNamespace(
        transport=transport, begin=lambda: 0.0, end=lambda began, unanswered=b"": handed.append(unanswered) or 0.0
    )
    asked: Any = SimpleNamespace(target=Target("get", PATH, "", "v1", "configmaps", "ns", "one"), query={})
    read = _Read(connection, b"request", asked, lambda: DATA, {}, Seat(lambda: None, {}), Metrics())
    read.answer(None)
    assert (handed == [b""] and written[0].endswith(DATA)) if is_short else (handed == [b"request"] and not written)

"""The short way of the request that there is most of: GET of one object as JSON. It is read off the connection's bytes and answered in one
write, without a task, a request or a response object of its own.

Whatever isn't exactly such a request (another method, an option, a header that could mean something, an answer other than 200) is handed to
aiohttp as it came, before anything was done about it. Both ways ask the same authenticator, authorizer, seats and metrics.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import random_uuid
from provisioner.kube.apiserver import pretty
from provisioner.kube.apiserver.app import Forward, Gate, Seat, Seats
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.registry import VIRTUAL, Registry
from provisioner.kube.apiserver.requests import Target, target_of
from provisioner.kube.storage.cache import Collection, WatchCache

# Paths and heads that are kept, parsed; all are forgotten when there are more.
KEPT_PATHS = 2048
PATH_BYTES = 512
KEPT_HEADS = 8
# A longer head than this takes the long way, as a larger answer does, which may be compressed.
HEAD_BYTES = 4096
BODY_BYTES = 64 * 1024
# What may come while an answer is waited for; more is not read until then.
HELD_BYTES = 64 * 1024
# Read at once at most.
READ_BYTES = 64 * 1024

_PATH = re.compile(rb"/apis?/[A-Za-z0-9/._-]+(\?resourceVersion=0)?")
_HEADER = re.compile(rb"([A-Za-z0-9-]+): *([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)")
# Headers that a request for an object may have without their meaning more than is looked at here.
_KNOWN = frozenset(
    b"host user-agent accept accept-encoding authorization connection cache-control content-type kubectl-command kubectl-session".split()
)
_PLAIN = frozenset((b"application/json", b"*/*", b"application/json, */*", b"application/json,*/*"))
_NO_OPTIONS: Mapping[str, str] = {}
_LENGTH = b"\r\ncontent-length:"


@dataclass(frozen=True, slots=True)
class Asked:
    """A path that names an object; `any_version` for resourceVersion=0."""

    target: Target
    any_version: bool


class QuickReads:
    """What the short way needs of the server; one for all its connections."""

    def __init__(self, gate: Gate, seats: Seats, forward: Forward, registry: Registry, cache: WatchCache, metrics: Metrics) -> None:
        self._gate, self._seats, self._forward = gate, seats, forward
        self._registry, self._cache, self._metrics = registry, cache, metrics
        self._paths: dict[bytes, Asked | None] = {}

    def asked(self, path: bytes) -> Asked | None:
        try:
            return self._paths[path]
        except KeyError:
            if len(path) > PATH_BYTES:
                return None
            if len(self._paths) >= KEPT_PATHS:
                self._paths.clear()
            found = self._paths[path] = _asked(path)
            return found

    def begin(self, connection: Connection, data: bytes) -> bool:
        """Whether the request is taken. False: nothing has been done."""
        line, _, rest = data.partition(b"\r\n")
        asked = self.asked(line[4:-9]) if line.endswith(b" HTTP/1.1") else None
        headers = connection.headers(rest) if asked is not None else None
        if asked is None or headers is None:
            return False
        target = asked.target
        kind = self._registry.find(target.group, target.version, target.resource)
        if kind is None or kind.deprecation or not kind.as_stored or kind.converts or kind.resource.namespaced != bool(target.namespace):
            return False
        if "get" not in kind.resource.verbs or self._forward.takes(target):
            return False
        try:
            user = self._gate.authenticator.authenticate(connection.peer, connection.certificate, headers, target.path)
        except StatusError:
            return False
        verdict = self._gate.authorizer.decide(user, target) if user is not None else None
        if user is None or verdict is None or not verdict.allowed:
            return False
        key = f"{target.namespace}/{target.name}" if target.namespace else target.name
        collection = self._cache.collection(kind.stored_as)
        if key not in collection.entries:
            return False
        seat = self._seats.enter(user, target, _NO_OPTIONS)
        if seat is None:
            return False
        read = _Read(connection, data, asked, collection, key, seat, self._metrics)
        if asked.any_version:
            read.answer(None)
        else:
            self._cache.freshness().add_done_callback(read.answer)
        return True


class _Read:
    """A request that was taken."""

    __slots__ = ("_asked", "_began", "_collection", "_connection", "_data", "_key", "_lane", "_metrics", "_seat")

    def __init__(
        self, connection: Connection, data: bytes, asked: Asked, collection: Collection, key: str, seat: Seat, metrics: Metrics
    ) -> None:
        self._connection, self._data, self._asked, self._collection, self._key = connection, data, asked, collection, key
        self._seat, self._metrics = seat, metrics
        self._lane = metrics.began(asked.target)
        self._began = connection.begin()

    def answer(self, fresh: asyncio.Future[None] | None) -> None:
        """`fresh` None: whatever the cache has is wanted."""
        connection, target = self._connection, self._asked.target
        self._seat.leave()
        self._metrics.ended(self._lane)
        failed = fresh is not None and (fresh.cancelled() or fresh.exception() is not None)
        entry = None if failed else self._collection.entries.get(self._key)
        transport = connection.transport
        if transport is None:
            self._metrics.request(target, 499, connection.end(self._began))
        elif entry is None or len(entry.data) > BODY_BYTES:
            connection.end(self._began, self._data)
        else:
            lines = [f"HTTP/1.1 200 OK\r\nDate: {rfc822_formatted_time()}\r\nContent-Length: {len(entry.data)}\r\n"]
            lines.append(f"Content-Type: application/json\r\nCache-Control: no-cache, private\r\nAudit-Id: {random_uuid()}\r\n")
            lines += [f"{name}: {value}\r\n" for name, value in self._seat.headers.items()]
            transport.write("".join(lines).encode() + b"\r\n" + entry.data)
            self._metrics.request(target, 200, connection.end(self._began))


class Connection(web.RequestHandler):
    """A connection whose idle moments are ours: bytes that begin a request are looked at before aiohttp's parser gets them.

    For that it must be known where a message ends. It is for a request whose whole head comes in one piece and gives its body's length; after
    any other the connection is aiohttp's alone.
    """

    __slots__ = ("_heads", "_held", "_is_ours", "_left", "_peer", "_quick")

    def __init__(self, *args: Any, quick: QuickReads, **known: Any) -> None:
        super().__init__(*args, **known)
        self._quick = quick
        self._heads: dict[bytes, Mapping[str, str] | None] = {}
        self._held = b""
        self._is_ours = False
        # Bytes that are still to come of the message that aiohttp has; -1 where that isn't known.
        self._left = 0
        self._peer: Mapping[str, Any] | None = None

    def data_received(self, data: bytes) -> None:
        if self._is_ours:
            self._held += data
            if len(self._held) > HELD_BYTES and self.transport is not None:
                self.transport.pause_reading()
            return
        if self._left >= 0 and data:
            if self._left:
                self._left = max(self._left - len(data), -1)
            elif self._waiter is None or self._waiter.done():
                self._left = -1  # more before the answer
            elif _may_be_ours(data) and not (self._close or self._force_close or self._paused) and self._quick.begin(self, data):
                return
            else:
                self._left = body_length(data)
        super().data_received(data)

    @property
    def peer(self) -> Mapping[str, Any] | None:
        """The client's verified certificate, as Python's ssl tells it."""
        if self._peer is None and self.transport is not None:
            self._peer = self.transport.get_extra_info("peercert") or {}
        return self._peer

    def certificate(self) -> bytes:
        assert self.transport is not None
        return self.transport.get_extra_info("ssl_object").getpeercert(True) or b""

    def headers(self, head: bytes) -> Mapping[str, str] | None:
        """The headers of a request after its first line; None where one of them has something to say that isn't looked at here."""
        try:
            return self._heads[head]
        except KeyError:
            if len(self._heads) >= KEPT_HEADS:
                self._heads.clear()
            found = self._heads[head] = _plain_headers(head)
            return found

    def begin(self) -> float:
        """The connection waits for an answer of ours. The time, for `end`."""
        self._is_ours = True
        now = self._loop.time()
        self._next_keepalive_close_time = now + self._keepalive_timeout
        return now

    def end(self, began: float, unanswered: bytes = b"") -> float:
        """There is the answer, or the request is aiohttp's to answer. The seconds since `begin`."""
        self._is_ours = False
        now = self._loop.time()
        self._next_keepalive_close_time = now + self._keepalive_timeout
        held, self._held = self._held, b""
        if unanswered:
            web.RequestHandler.data_received(self, unanswered)
        if len(held) > HELD_BYTES and self.transport is not None:
            self.transport.resume_reading()
        if held:
            self.data_received(held)
        if self._close:
            super().close()
        return now - began

    def close(self) -> None:
        """As its parent; an answer that is waited for goes out first."""
        if self._is_ours:
            self._close = True
        else:
            super().close()


class _Front(asyncio.BufferedProtocol):
    """Reads for a connection into a buffer that all of them share. Otherwise uvloop makes one of 256 KB for each read, which the allocator
    maps and unmaps: more work than the request."""

    __slots__ = ("_buffer", "_connection")

    def __init__(self, connection: web.RequestHandler, buffer: memoryview) -> None:
        self._connection, self._buffer = connection, buffer

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._connection.data_received(bytes(self._buffer[:nbytes]))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connection.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)

    def eof_received(self) -> None:
        self._connection.eof_received()

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()


class Server(web.Server):
    """Its connections take the short way where they can; without `quick`, which has it, none does."""

    def __init__(self, handler: Any, quick: QuickReads | None, **known: Any) -> None:
        super().__init__(handler, **known)
        self._quick = quick
        self._buffer = memoryview(bytearray(READ_BYTES))

    def __call__(self) -> Any:
        """A protocol for a new connection."""
        if self._quick is None:
            return _Front(super().__call__(), self._buffer)
        return _Front(Connection(self, loop=self._loop, quick=self._quick, **self._kwargs), self._buffer)


def _may_be_ours(data: bytes) -> bool:
    return data.startswith(b"GET /api") and len(data) < HEAD_BYTES and data.find(b"\r\n\r\n") == len(data) - 4


def body_length(data: bytes) -> int:
    """How much of the message that `data` begins is still to come; -1 where it isn't plain, or more than it is there."""
    end = data.find(b"\r\n\r\n")
    head = data[: end + 2].lower()
    if end < 0 or not data[:1].isalpha() or b"\r\ntransfer-encoding:" in head or b"\r\nupgrade:" in head:
        return -1
    length, lengths = 0, head.count(_LENGTH)
    if lengths:
        text = head.partition(_LENGTH)[2].partition(b"\r\n")[0].strip(b" ")
        if lengths > 1 or not text.isdigit():
            return -1
        length = int(text)
    return max(length - (len(data) - end - 4), -1)


def _plain_headers(head: bytes) -> Mapping[str, str] | None:
    found: CIMultiDict[str] = CIMultiDict()
    for line in head[:-4].split(b"\r\n"):
        match = _HEADER.fullmatch(line)
        if match is None or (name := match[1].lower()) not in _KNOWN or name.decode() in found:
            return None
        value = match[2]
        if (name == b"accept" and value not in _PLAIN) or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
        if name == b"user-agent" and pretty.is_read_by_people(value.decode()):
            return None
        found[name.decode()] = value.decode()
    return found if "host" in found else None


def _asked(path: bytes) -> Asked | None:
    match = _PATH.fullmatch(path)
    if match is None or b"//" in path or b"/." in path:
        return None
    plain = path.partition(b"?")[0].decode()
    target = target_of("GET", plain, {})
    is_object = target.verb == "get" and target.name and not target.subresource and not target.rest and target.resource not in VIRTUAL
    return Asked(target, match[1] is not None) if is_object and target.resource != "componentstatuses" else None

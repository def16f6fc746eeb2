"""Connections whose idle moments are ours: what begins a request is shown to the short ways before aiohttp's parser gets it.

Whatever isn't exactly a request that a short way takes is handed to aiohttp as it came, before anything was done about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from aiohttp import web

from provisioner.kube.apiserver.quick.entrance import KEPT_HEADS, read_headers
from provisioner.kube.apiserver.replies import KNOWN
from provisioner.kube.client.tasks import spawn

# What may come while an answer is waited for; more is not read until then.
HELD_BYTES = 64 * 1024
# Read at once at most.
READ_BYTES = 64 * 1024

_LENGTH = b"\r\ncontent-length:"


T = TypeVar("T")


class ShortWay(Protocol):
    def begin(self, connection: Connection, data: bytes) -> bool:
        """Whether the request is taken, of which `data` must be the whole. False: nothing has been done."""


class Connection(web.RequestHandler):
    """For the short ways it must be known where a message ends. It is for a request whose whole head comes in one piece and gives its body's length; after
    any other the connection is aiohttp's alone.
    """

    __slots__ = ("_heads", "_held", "_is_ours", "_left", "_peer", "_short_ways", "_working")

    def __init__(self, *args: Any, short_ways: Mapping[bytes, ShortWay], **known: Any) -> None:
        super().__init__(*args, **known)
        self._short_ways = short_ways
        self._working: asyncio.Task[Any] | None = None
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
            elif (
                (way := self._short_ways.get(data[:4])) and not (self._close or self._force_close or self._paused) and way.begin(self, data)
            ):
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
        """As `read_headers`; clients say the same with most requests."""
        try:
            return self._heads[head]
        except KeyError:
            if len(self._heads) >= KEPT_HEADS:
                self._heads.clear()
            found = self._heads[head] = read_headers(head)
            return found

    def work(self, coro: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """What makes the answer; it is cancelled when the client leaves."""
        task = self._working = spawn("short way", coro)
        return task

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._working is not None:
            self._working.cancel()
        super().connection_lost(exc)

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """As its parent: work that is under way has `timeout` s to end."""
        if self._working is not None and self._is_ours:
            await asyncio.wait([self._working], timeout=timeout)
        await super().shutdown(timeout)

    def _process_keepalive(self) -> None:
        """Who waits for our answer is not idle."""
        if self._is_ours:
            self._keepalive_handle = self._loop.call_later(self._keepalive_timeout, self._process_keepalive)
        else:
            super()._process_keepalive()

    def begin(self) -> float:
        """The connection waits for an answer of ours. The time, for `end`."""
        self._is_ours = True
        now = self._loop.time()
        self._next_keepalive_close_time = now + self._keepalive_timeout
        return now

    def end(self, began: float, unanswered: bytes = b"") -> float:
        """There is the answer, or the request is aiohttp's to answer. The seconds since `begin`."""
        self._is_ours, self._working = False, None
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


class Request(web.BaseRequest):
    """Its answers have the headers that are known of it, and don't tell which library wrote them."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.pop("Server", None)
        for name, value in self.get(KNOWN, {}).items():
            response.headers.setdefault(name, value)


class Server(web.Server):
    """Its connections take a short way where they can: the one that is known by the request's first four bytes."""

    def __init__(self, handler: Any, short_ways: Mapping[bytes, ShortWay], **known: Any) -> None:
        super().__init__(handler, request_factory=self._request, **known)
        self._short_ways = short_ways
        self._buffer = memoryview(bytearray(READ_BYTES))

    def __call__(self) -> Any:
        """A protocol for a new connection."""
        if not self._short_ways:
            return _Front(super().__call__(), self._buffer)
        return _Front(Connection(self, loop=self._loop, short_ways=self._short_ways, **self._kwargs), self._buffer)

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> Request:
        return Request(message, payload, protocol, writer, task, self._loop)


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

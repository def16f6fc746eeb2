"""Answers that leave in one write: head and body together are one TLS record where they are small, and slices that let others in between
where they are large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

# Of a larger body every part is written by itself, and what is sent waits for who reads it.
SLICE_BYTES = 256 * 1024


class Reply(web.Response):
    """Like its parent, at a third of the cost: what a request for one object takes is mostly what its answer takes.

    `parts` is a body in pieces that are sent in turn without ever being joined.
    """

    def __init__(self, *, parts: list[bytes] | None = None, **known: object) -> None:
        super().__init__(**known)  # type: ignore[arg-type]
        self._parts = parts

    def joined(self) -> Reply:
        """With its body in one piece: what compression needs."""
        if self._parts is not None:
            self.body = b"".join(self._parts)
            self._parts = None
        return self

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        transport = request.transport
        if self._eof_sent or self.prepared or self.compression or transport is None or self._cookies:
            return await super().prepare(request)
        self._keep_to_lines()
        if request.version != HttpVersion11 or request.method == "HEAD" or self._chunked:
            self.joined()
            return await super().prepare(request)
        body = self._body if isinstance(self._body, bytes) else b""
        parts = self._parts
        length = len(body) if parts is None else sum(map(len, parts))
        self._keep_alive = request.keep_alive if self._keep_alive is None else self._keep_alive
        lines = [f"HTTP/1.1 {self._status} {self._reason}\r\nDate: {rfc822_formatted_time()}\r\nContent-Length: {length}\r\n"]
        lines += [f"{key}: {value}\r\n" for key, value in self._headers.items()]
        lines.append("\r\n" if self._keep_alive else "Connection: close\r\n\r\n")
        head = "".join(lines).encode()
        self._eof_sent = True
        writer = request._payload_writer
        if parts is None and length <= SLICE_BYTES:
            transport.write(head + body)
        else:
            transport.write(head)
            for piece in _slices(parts if parts is not None else [body]):
                if transport.is_closing():
                    break
                transport.write(piece)
                await writer.drain()
        await writer.drain()
        return writer

    @property
    def prepared(self) -> bool:
        return self._eof_sent or super().prepared

    def _keep_to_lines(self) -> None:
        """No header can become two, whatever a request has put in it."""
        if any("\n" in value or "\r" in value or "\0" in value for value in self._headers.values()):
            kept = [(key, " ".join(value.replace("\0", " ").split())) for key, value in self._headers.items()]
            self._headers.clear()
            self._headers.extend(kept)


def _slices(parts: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """The parts in pieces of about SLICE_BYTES: small ones joined, large ones cut."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        if len(part) > SLICE_BYTES:
            if waiting:
                yield b"".join(waiting)
                waiting, size = [], 0
            view = memoryview(part)
            for start in range(0, len(view), SLICE_BYTES):
                yield view[start : start + SLICE_BYTES]
            continue
        waiting.append(part)
        size += len(part)
        if size >= SLICE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)

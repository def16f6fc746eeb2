"""Answers that leave in one write: head and body together are one TLS record where they are small, and slices that let others in between
where they are large."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

# A larger body is written in pieces of about this size: small enough for a processor's cache, since each is copied and sealed.
SLICE_BYTES = 64 * 1024
# After so many of them somebody else's turn comes: a few milliseconds.
SLICES_A_TURN = 16
# Upstream compresses answers that are longer: below that it costs more than it saves.
COMPRESSED_BYTES = 128 * 1024
# Where a request keeps what its answer's head says beside the answer's own.
KNOWN = "known headers"


class Listed:
    """A body that is put together only as it is sent: `items`, with commas between them, between `head` and `tail`."""

    __slots__ = ("_bytes", "head", "items", "tail")

    def __init__(self, head: bytes, items: Sequence[bytes], tail: bytes) -> None:
        self.head, self.items, self.tail = head, items, tail
        self._bytes = len(head) + sum(map(len, items)) + max(len(items) - 1, 0) + len(tail)

    def __len__(self) -> int:
        """In bytes."""
        return self._bytes

    def slices(self, before: bytes) -> Iterator[bytes]:
        """What stands `before` the body, and the body: pieces of about SLICE_BYTES, where items are of one size. Each is a write of its own, which on
        loopback costs as much as 20 KB."""
        count = len(self.items)
        step = max(SLICE_BYTES * count // max(self._bytes, 1), 1)
        before += self.head
        for start in range(0, count, step):
            parts = list(self.items[start : start + step])
            parts[0] = (b"," if start else before) + parts[0]
            if start + step >= count:
                parts[-1] += self.tail
            yield b",".join(parts)
        if not count:
            yield before + self.tail

    def whole(self) -> bytes:
        return b"%b%b%b" % (self.head, b",".join(self.items), self.tail)


class Reply(web.Response):
    """Like its parent, at a third of the cost: what a request for one object takes is mostly what its answer takes.

    A `Listed` body is sent without ever being in one piece.
    """

    def __init__(self, *, body: bytes | Listed, **known: object) -> None:
        super().__init__(body=body if isinstance(body, bytes) else None, **known)  # type: ignore[arg-type]
        self._listed = body if isinstance(body, Listed) else None

    @property
    def size(self) -> int:
        """Of the body, in bytes; compressed ones have been joined before."""
        return len(self._listed) if self._listed is not None else len(self._body) if isinstance(self._body, bytes) else 0

    def joined(self) -> Reply:
        """With its body in one piece: what compression needs."""
        if self._listed is not None:
            self.body = self._listed.whole()
            self._listed = None
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
        listed = self._listed
        length = len(body) if listed is None else len(listed)
        self._keep_alive = request.keep_alive if self._keep_alive is None else self._keep_alive
        head = head_of(self._status, self._reason or "", length, self._headers.items(), keep_alive=bool(self._keep_alive))
        self._eof_sent = True
        writer = request._payload_writer
        if length <= SLICE_BYTES:
            transport.write(head + (body if listed is None else listed.whole()))
        else:
            pieces = cut(head, body) if listed is None else listed.slices(head)
            for number, piece in enumerate(pieces, 1):
                if transport.is_closing():
                    break
                transport.write(piece)
                await writer.drain()
                if not number % SLICES_A_TURN:
                    await asyncio.sleep(0)
        await writer.drain()
        return writer

    @property
    def prepared(self) -> bool:
        return self._eof_sent or super().prepared

    def _keep_to_lines(self) -> None:
        if not all(map(_is_one_line, self._headers.values())):
            kept = [(key, one_line(value)) for key, value in self._headers.items()]
            self._headers.clear()
            self._headers.extend(kept)


def head_of(status: int, reason: str, length: int, headers: Iterable[tuple[str, str]], *, keep_alive: bool = True) -> bytes:
    """An answer up to its body of `length` bytes."""
    lines = [f"HTTP/1.1 {status} {reason}\r\nDate: {rfc822_formatted_time()}\r\nContent-Length: {length}\r\n"]
    lines += [f"{key}: {value}\r\n" for key, value in headers]
    lines.append("\r\n" if keep_alive else "Connection: close\r\n\r\n")
    return "".join(lines).encode()


def one_line(value: str) -> str:
    """No header can become two, whatever a request has put in it."""
    return value if _is_one_line(value) else " ".join(value.replace("\0", " ").split())


def _is_one_line(value: str) -> bool:
    return "\n" not in value and "\r" not in value and "\0" not in value


def cut(before: bytes, body: bytes) -> Iterator[bytes | memoryview]:
    """As `Listed.slices`, of a body in one piece."""
    view = memoryview(body)
    yield before + view[:SLICE_BYTES]
    for start in range(SLICE_BYTES, len(view), SLICE_BYTES):
        yield view[start : start + SLICE_BYTES]

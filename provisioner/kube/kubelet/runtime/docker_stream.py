"""Docker's two-way streams: a connection that was an HTTP request (attach, exec) and is then raw bytes, or frames where there is no terminal.

Frames: one byte for the stream (0 stdin, 1 stdout, 2 stderr), three zeros, the length in four bytes, big-endian.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from provisioner.kube.kubelet.errors import DockerError

ANSWER_S = 30.0
CHUNK_BYTES = 32 * 1024


class DockerStream:
    """A container's or a command's standard streams. With a terminal everything it says is standard output."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, tty: bool) -> None:
        self._reader, self._writer, self._tty = reader, writer, tty
        # Whether anything came from the other side, be it its end.
        self.heard = False

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(1 or 2, bytes) until the other side ends."""
        if self._tty:
            async for chunk in self._chunks():
                yield 1, chunk
        else:
            async for piece in demultiplex(self._chunks()):
                yield piece

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            while True:
                chunk = await self._reader.read(CHUNK_BYTES)
                self.heard = True
                if not chunk:
                    return
                yield chunk
        except OSError:
            return

    async def write(self, data: bytes) -> None:
        """To standard input. What is written to a program that has ended is lost."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            return

    def end_input(self) -> None:
        """End of standard input; output goes on."""
        if self._writer.can_write_eof() and not self._writer.is_closing():
            try:
                self._writer.write_eof()
            except OSError:
                return

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return


async def hijack(socket: Path, path: str, body: bytes, *, tty: bool) -> DockerStream:
    """POST with an upgrade to a raw stream."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError as error:
        raise DockerError(0, f"no answer of dockerd at {socket}: {error}") from error
    head = (
        f"POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    try:
        async with asyncio.timeout(ANSWER_S):
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            status = int(answer.split(b" ", 2)[1])
            if status not in (101, 200):
                raise DockerError(status, (await reader.read(4096)).decode(errors="replace").strip())
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError, IndexError) as error:
        writer.close()
        raise DockerError(0, f"dockerd refused a stream: {str(error) or type(error).__name__}") from error
    except DockerError:
        writer.close()
        raise
    return DockerStream(reader, writer, tty=tty)


async def demultiplex(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """(stream, bytes) of framed output. Frames are passed on as far as they have come, not kept until they are whole."""
    waiting = b""
    stream = left = 0
    async with aclosing(chunks) as source:  # type: ignore[type-var]  # every caller's iterator is a generator
        async for chunk in source:
            waiting += chunk
            while waiting:
                if left:
                    piece, waiting = waiting[:left], waiting[left:]
                    left -= len(piece)
                    yield stream, piece
                elif len(waiting) >= 8:
                    stream, left = waiting[0], int.from_bytes(waiting[4:8], "big")
                    waiting = waiting[8:]
                else:
                    break

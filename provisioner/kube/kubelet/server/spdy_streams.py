"""A SPDY connection's streams, with one reader for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from provisioner.kube.kubelet.server import spdy
from provisioner.kube.kubelet.server.raw import Connection

# Frames that wait for one stream's reader, 32 KiB each at most; then the whole connection waits.
WAITING_FRAMES = 256
CHUNK_BYTES = 32 * 1024


class SpdyStream:
    """`headers` are the opener's, with lower-case names."""

    def __init__(self, connection: SpdyConnection, number: int, headers: dict[str, str]) -> None:
        self.number, self.headers = number, headers
        self._connection = connection
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(maxsize=WAITING_FRAMES)
        self._ended = False
        self._finished = False

    async def read(self) -> bytes:
        """b"" at the end."""
        if self._ended and self._frames.empty():
            return b""
        return await self._frames.get()

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), CHUNK_BYTES):
            if not self._finished:
                await self._connection.send(spdy.data(self.number, data[start : start + CHUNK_BYTES]))

    async def finish(self) -> None:
        """We write no more; reading goes on."""
        if not self._finished:
            self._finished = True
            await self._connection.send(spdy.data(self.number, b"", fin=True))

    async def reset(self) -> None:
        self._finished = True
        await self._connection.send(spdy.reset(self.number, spdy.CANCEL))

    async def arrived(self, data: bytes, *, fin: bool) -> None:
        if data:
            await self._frames.put(data)
        if fin:
            await self.end()

    async def end(self) -> None:
        if not self._ended:
            self._ended = True
            await self._frames.put(b"")


class SpdyConnection:
    """The serving side: the other one opens streams, `opened` hears of each (it must not wait)."""

    def __init__(self, raw: Connection, opened: Callable[[SpdyStream], None]) -> None:
        self._raw, self._opened = raw, opened
        self._framer = spdy.Framer()
        self._streams: dict[int, SpdyStream] = {}
        self._sending = asyncio.Lock()

    async def send(self, frame: bytes) -> None:
        async with self._sending:
            await self._raw.write(frame)

    async def run(self) -> None:
        """Until the connection ends; then every stream has ended too."""
        try:
            while data := await self._raw.read():
                for frame in self._framer.feed(data):
                    await self._handle(frame)
        except spdy.SpdyError:
            await self.send(spdy.go_away(max(self._streams, default=0)))
        finally:
            for stream in self._streams.values():
                # The queue may be full where nobody reads; its reader sees the end when it has read on.
                stream._ended = True
                if not stream._frames.full():
                    stream._frames.put_nowait(b"")

    async def _handle(self, frame: spdy.Frame) -> None:
        if isinstance(frame, spdy.SynStream):
            stream = self._streams[frame.stream] = SpdyStream(self, frame.stream, frame.headers)
            async with self._sending:
                await self._raw.write(self._framer.syn_reply(frame.stream, {}))
            self._opened(stream)
            if frame.fin:
                await stream.end()
        elif isinstance(frame, spdy.Data):
            found = self._streams.get(frame.stream)
            if found is not None:
                await found.arrived(frame.payload, fin=frame.fin)
        elif isinstance(frame, spdy.Reset):
            found = self._streams.pop(frame.stream, None)
            if found is not None:
                await found.end()
        elif isinstance(frame, spdy.Ping):
            await self.send(spdy.ping(frame.id))

    def forget(self, stream: SpdyStream) -> None:
        """A stream that both sides are done with."""
        self._streams.pop(stream.number, None)

"""Proves a SPDY connection's streams over bytes in memory: opening, reading, writing, and all the ways to end."""

from __future__ import annotations

import asyncio

from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.server import spdy
from provisioner.kube.kubelet.server.spdy_streams import SpdyConnection, SpdyStream


class Memory:
    """The client's end: `send` puts bytes on the wire, `frames` are those that came back."""

    def __init__(self) -> None:
        self.inwards: asyncio.Queue[bytes] = asyncio.Queue(maxsize=100)
        self.written = b""
        self.framer = spdy.Framer()

    async def read(self) -> bytes:
        return await self.inwards.get()

    async def write(self, data: bytes) -> None:
        self.written += data

    def frames(self) -> list[spdy.Frame]:
        written, self.written = self.written, b""
        return self.framer.feed(written)


async def opened() -> tuple[Memory, list[SpdyStream], asyncio.Task[None]]:
    wire, streams = Memory(), []  # type: ignore[var-annotated]
    connection = SpdyConnection(wire, streams.append)
    running = spawn("connection", connection.run())
    await wire.inwards.put(wire.framer.syn_stream(1, {"streamType": "stdin"}) + spdy.data(1, b"input"))
    while not streams:
        await asyncio.sleep(0)
    return wire, streams, running


async def test_reading_and_writing() -> None:
    wire, (stream,), running = await opened()
    assert stream.headers == {"streamtype": "stdin"} and await stream.read() == b"input"
    await stream.write(b"x" * 40_000)
    await stream.finish()
    await stream.write(b"late")
    data = [f for f in wire.frames() if isinstance(f, spdy.Data)]
    assert sum(len(f.payload) for f in data) == 40_000 and [f.fin for f in data] == [False, False, True]
    await wire.inwards.put(spdy.data(1, b"more", fin=True))
    assert [await stream.read(), await stream.read(), await stream.read()] == [b"more", b"", b""]
    await stop(running)


async def test_an_end_of_the_connection_ends_every_stream() -> None:
    wire, (stream,), running = await opened()
    await wire.inwards.put(b"")
    await running
    assert [await stream.read(), await stream.read()] == [b"input", b""]


async def test_resets_and_pings() -> None:
    wire, (stream,), running = await opened()
    await wire.inwards.put(spdy.ping(3) + spdy.reset(1, spdy.CANCEL))
    assert [await stream.read(), await stream.read()] == [b"input", b""]
    assert spdy.Ping(3) in wire.frames()
    await stop(running)


async def test_nonsense_ends_the_connection_politely() -> None:
    wire, (stream,), running = await opened()
    await wire.inwards.put(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    await running
    assert any(isinstance(f, spdy.GoAway) for f in wire.frames()) and [await stream.read(), await stream.read()] == [b"input", b""]

"""A wire that is long: connections to a port here are handed on to a host, everything on them half of the delay later in each direction.

The kernel's netem would do the same, and is not in every kernel. Bytes are held up, not counted: throughput stays what it was.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 64 * 1024
# What is on its way at a time, in chunks: more than any task here sends.
QUEUED = 1024


@contextmanager
def distance(listen: str, address: str, delay_s: float, port: int = 22) -> Iterator[int]:
    """The port on `listen` that leads to the host."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(lambda r, w: _carry(r, w, address, port, delay_s), listen, 0)

    server = asyncio.run_coroutine_threadsafe(serve(), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, port: int, delay_s: float) -> None:
    await asyncio.sleep(delay_s)  # the handshake
    far_reader, far_writer = await asyncio.open_connection(address, port)
    await asyncio.gather(_late(reader, far_writer, delay_s / 2), _late(far_reader, writer, delay_s / 2))


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED)

    async def deliver() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)

    delivering = asyncio.ensure_future(deliver())
    try:
        while data := await reader.read(CHUNK):
            await queue.put((loop.time() + delay_s, data))
    except OSError:
        pass  # the other end's end
    await queue.put((loop.time() + delay_s, b""))
    await delivering

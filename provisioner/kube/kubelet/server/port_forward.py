"""Port-forward: pairs of streams, each joined with a connection to a port on the pod's own loopback.

Source: Kubernetes' portforward.k8s.io protocol: for each connection an `error` and a `data` stream with the same requestID and port; and the
older WebSocket form, in which channels 2n and 2n+1 are data and error of the n-th port in the query.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ctypes
import logging
import os
import socket
import threading
from typing import Any

from aiohttp import WSMsgType, web

from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.server.raw import Connection, TunnelConnection, upgrade
from provisioner.kube.kubelet.server.spdy_streams import SpdyConnection, SpdyStream

log = logging.getLogger(__name__)

PROTOCOL = "portforward.k8s.io"
TUNNEL = "SPDY/3.1+portforward.k8s.io"
BASE64 = "v4.base64.channel.k8s.io"
CHANNELS = ("v4.channel.k8s.io", BASE64)
CLONE_NEWNET = 0x40000000
CONNECT_S = 10.0
CHUNK_BYTES = 32 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


def socket_in(pid: int, family: socket.AddressFamily, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A socket inside the network of process `pid`. Namespaces are a thread's: one is made for it. Raises OSError."""
    made: list[socket.socket | OSError] = []

    def make() -> None:
        try:
            with open(f"/proc/{pid}/ns/net") as namespace:
                if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            made.append(socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make, name="socket in a pod")
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


async def connect(pid: int, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To `port` on the loopback of the pod whose sandbox is `pid`. Raises OSError, TimeoutError."""
    last: OSError | None = None
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            sock = socket_in(pid, family)
            try:
                async with asyncio.timeout(CONNECT_S):
                    await asyncio.get_running_loop().sock_connect(sock, (address, port))
                return await asyncio.open_connection(sock=sock)
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            last = last or error
    raise last or OSError("no address")


class Forwarding:
    """One client's port-forward over SPDY."""

    def __init__(self, raw: Connection, pid: int, pod: str) -> None:
        self._pid, self._pod = pid, pod
        self._pairs: dict[str, dict[str, SpdyStream]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._connection = SpdyConnection(raw, self._opened)

    async def run(self) -> None:
        try:
            await self._connection.run()
        finally:
            await stop(*self._tasks)

    def _opened(self, stream: SpdyStream) -> None:
        pair = self._pairs.setdefault(stream.headers.get("requestid", ""), {})
        pair[stream.headers.get("streamtype", "")] = stream
        if "data" in pair and "error" in pair:
            self._pairs.pop(stream.headers.get("requestid", ""))
            task = spawn(f"port-forward to {self._pod}", self._forward(pair["data"], pair["error"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, data: SpdyStream, error: SpdyStream) -> None:
        port = int(data.headers.get("port", "0") or 0)
        try:
            reader, writer = await connect(self._pid, port)
        except (OSError, TimeoutError) as problem:
            await error.write(not_forwarded(self._pod, port, problem).encode())
            await error.finish()
            await data.finish()
        else:
            await _copy(data, reader, writer)
            await data.finish()
            await error.finish()
        self._connection.forget(data)
        self._connection.forget(error)


def not_forwarded(pod: str, port: int, problem: BaseException) -> str:
    text = str(problem) or "timed out"
    if isinstance(problem, ConnectionRefusedError):
        text = f"dial tcp4 127.0.0.1:{port}: connect: connection refused"
    return f"error forwarding port {port} to pod {pod}: failed to connect to localhost:{port} inside the pod: {text}"


async def _copy(data: SpdyStream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def inwards() -> None:
        try:
            while chunk := await data.read():
                writer.write(chunk)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            return

    feeding = spawn("port-forward input", inwards())
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            await data.write(chunk)
    except OSError:
        pass
    finally:
        await stop(feeding)
        writer.close()


async def serve(request: web.Request, pid: int, pod: str) -> web.StreamResponse:
    """Over SPDY/3.1, over SPDY inside a WebSocket, or over WebSocket channels."""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        ports = _ports(request)
        ws = web.WebSocketResponse(protocols=(TUNNEL, *CHANNELS), max_msg_size=4 * 1024 * 1024)
        await ws.prepare(request)
        if ws.ws_protocol == TUNNEL:
            await Forwarding(TunnelConnection(ws), pid, pod).run()
        else:
            await _channels(ws, pid, pod, ports)
        await ws.close()
        return ws
    if request.headers.get("Upgrade", "").lower() != "spdy/3.1":
        raise web.HTTPBadRequest(text="port-forward needs an upgrade to SPDY/3.1 or WebSocket\n")
    response, raw = await upgrade(request, {"Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": PROTOCOL})
    await Forwarding(raw, pid, pod).run()
    return response


def _ports(request: web.Request) -> list[int]:
    """The query's ports; none for the tunnel, whose streams name theirs. Raises 400."""
    offered = {word.strip() for word in request.headers.get("Sec-WebSocket-Protocol", "").split(",")}
    if TUNNEL in offered:
        return []
    ports = []
    for word in ",".join(request.query.getall("port", [])).split(","):
        if not word:
            raise web.HTTPBadRequest(text='query parameter "port" is required\n')
        if not word.isdigit() or not 0 < int(word) < 2**16:
            raise web.HTTPBadRequest(text=f"unable to parse {word!r} as a port\n")
        ports.append(int(word))
    return ports


async def _channels(ws: web.WebSocketResponse, pid: int, pod: str, ports: list[int]) -> None:
    """One connection for each port of the query, all over one WebSocket, which ends with the last of them. The first message of each channel is
    the port, little-endian. In the base64 form messages are text: the channel's digit, and what follows it encoded."""
    text = ws.ws_protocol == BASE64
    writers: dict[int, asyncio.StreamWriter] = {}
    tasks: list[asyncio.Task[Any]] = []

    async def tell(channel: int, data: bytes) -> None:
        if text:
            await ws.send_str(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await ws.send_bytes(bytes((channel,)) + data)

    async def outwards(channel: int, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await tell(channel, chunk)

    async def inwards() -> None:
        with contextlib.suppress(OSError, ValueError):  # the pod's end is gone; what was sent is not base64
            async for message in ws:
                if message.type is WSMsgType.BINARY and message.data:
                    channel, data = message.data[0], message.data[1:]
                elif message.type is WSMsgType.TEXT and text and message.data:
                    channel, data = int(message.data[0]), base64.b64decode(message.data[1:])
                else:
                    continue
                if channel in writers:
                    writers[channel].write(data)
                    await writers[channel].drain()

    for index, port in enumerate(ports):
        for channel in (2 * index, 2 * index + 1):
            await tell(channel, port.to_bytes(2, "little"))
        try:
            reader, writers[2 * index] = await connect(pid, port)
            tasks.append(spawn(f"port-forward to {pod}", outwards(2 * index, reader)))
        except (OSError, TimeoutError) as problem:
            await tell(2 * index + 1, not_forwarded(pod, port, problem).encode())
    feeding = spawn(f"port-forward input to {pod}", inwards())
    try:
        if tasks:
            everything: asyncio.Future[Any] = asyncio.gather(*tasks)
            await asyncio.wait([feeding, everything], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await stop(feeding, *tasks)
        for writer in writers.values():
            writer.close()

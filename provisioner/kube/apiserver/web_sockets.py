"""Streams that are only read, over WebSocket (RFC 6455): a container's log and a watch's events, for clients that ask for an upgrade.

The subprotocols are upstream's: `binary.k8s.io`, and `base64.binary.k8s.io` for readers of texts. Exec, attach and port-forward, which are
written to as well, are the kubelet's own business.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from aiohttp import WSMsgType, web

from provisioner.kube.client.tasks import spawn, stop

BINARY, BASE64 = "binary.k8s.io", "base64.binary.k8s.io"
CLOSE_S = 5.0


def wants_socket(request: web.Request) -> bool:
    """Whether the client asks for its answer over WebSocket."""
    upgrades = "upgrade" in request.headers.get("Connection", "").lower()
    return upgrades and request.headers.get("Upgrade", "").lower() == "websocket"


async def send_bytes(request: web.Request, chunks: AsyncIterator[bytes]) -> web.WebSocketResponse:
    """Bytes as they come, after an empty message that says that they are about to."""
    socket = web.WebSocketResponse(timeout=CLOSE_S, protocols=(BINARY, BASE64), compress=False)
    await socket.prepare(request)

    async def send() -> None:
        in_text = socket.ws_protocol == BASE64
        await (socket.send_str("") if in_text else socket.send_bytes(b""))
        async for chunk in chunks:
            await (socket.send_str(base64.b64encode(chunk).decode()) if in_text else socket.send_bytes(chunk))

    return await _while_wanted(socket, send())


async def send_lines(request: web.Request, chunks: AsyncIterator[bytes]) -> web.WebSocketResponse:
    """A text message for each line."""
    socket = web.WebSocketResponse(timeout=CLOSE_S, compress=False)
    await socket.prepare(request)

    async def send() -> None:
        begun = b""
        async for chunk in chunks:
            *lines, begun = (begun + chunk).split(b"\n")
            for line in lines:
                await socket.send_str(f"{line.decode()}\n")

    return await _while_wanted(socket, send())


async def _while_wanted(socket: web.WebSocketResponse, sending: Coroutine[Any, Any, None]) -> web.WebSocketResponse:
    """Until everything is sent or the client leaves; what it sends itself means nothing."""
    sender, listener = spawn("socket sender", _quietly(sending)), spawn("socket listener", _until_closed(socket))
    try:
        await asyncio.wait({sender, listener}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await stop(sender, listener)
    await socket.close()
    return socket


async def _quietly(sending: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(ConnectionError):
        await sending


async def _until_closed(socket: web.WebSocketResponse) -> None:
    while (await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
        pass

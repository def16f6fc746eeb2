"""Connections that stopped being HTTP: the bytes after an upgrade, or those inside a WebSocket's messages, with one face for both."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import WSMsgType, web

# Bytes that wait for us before the other side is told to slow down.
HIGH_WATER = 256 * 1024


class Connection(Protocol):
    """`read` gives b"" at the end. `write` waits until there is room. Neither raises for an end of the connection."""

    async def read(self) -> bytes: ...
    async def write(self, data: bytes) -> None: ...


class UpgradedConnection:
    """What follows a 101 answer. Takes the place of aiohttp's parser of WebSocket frames, which is the one door to the raw bytes."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._buffer = bytearray()
        self._arrived = asyncio.Event()
        self._ended = False
        self._paused = False

    # -- aiohttp's side --------------------------------------------------------------------------------------------

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._buffer += data
        self._arrived.set()
        if len(self._buffer) > HIGH_WATER and not self._paused and self._request.transport is not None:
            self._paused = True
            self._transport.pause_reading()
        return False, b""

    def feed_eof(self) -> None:
        self._ended = True
        self._arrived.set()

    def set_exception(self, *_: object) -> None:
        self.feed_eof()

    # -- ours ------------------------------------------------------------------------------------------------------

    @property
    def _transport(self) -> Any:
        return self._request.transport

    async def read(self) -> bytes:
        while not self._buffer:
            if self._ended or self._request.transport is None:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._buffer)
        self._buffer.clear()
        if self._paused and self._request.transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        transport = self._request.transport
        if transport is None or transport.is_closing():
            return
        transport.write(data)
        try:
            await self._request.protocol._drain_helper()
        except (ConnectionError, RuntimeError):
            self.feed_eof()


async def upgrade(request: web.Request, headers: Mapping[str, str]) -> tuple[web.StreamResponse, UpgradedConnection]:
    """Answer 101 with `headers` and take the connection over. The response is to be returned when all is done."""
    connection = UpgradedConnection(request)
    request.protocol.set_parser(connection)  # type: ignore[arg-type]  # aiohttp only asks for feed_data and feed_eof
    response = web.StreamResponse(status=101, reason="Switching Protocols", headers={"Connection": "Upgrade", **headers})
    response.force_close()
    await response.prepare(request)
    return response, connection


class TunnelConnection:
    """Bytes in a WebSocket's binary messages; their borders mean nothing."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.BINARY and message.data:
                data: bytes = message.data
                return data
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return b""

    async def write(self, data: bytes) -> None:
        if not self._socket.closed:
            try:
                await self._socket.send_bytes(data)
            except ConnectionError:
                return

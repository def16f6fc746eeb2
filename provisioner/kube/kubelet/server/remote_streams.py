"""The streams of an exec or attach, whichever protocol brings them: SPDY/3.1 streams or WebSocket channels.

Source: Kubernetes' remote command protocols v4.channel.k8s.io (a Status at the end) and v5.channel.k8s.io (standard input can end alone).
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec
from aiohttp import WSMessage, WSMsgType, web

from provisioner.kube.kubelet.server.spdy_streams import SpdyConnection, SpdyStream

log = logging.getLogger(__name__)

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
SPDY_PROTOCOLS = ("v4.channel.k8s.io",)
WEBSOCKET_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io")
# Upstream's streamCreationTimeout.
OPEN_S = 30.0
WAITING_MESSAGES = 256


class RemoteStreams(Protocol):
    """One terminal on the other side. `stdin` ends when the user's input does, or the connection."""

    def stdin(self) -> AsyncIterator[bytes]: ...
    def sizes(self) -> AsyncIterator[tuple[int, int]]: ...
    async def write(self, stream: int, data: bytes) -> None: ...
    async def finish(self, status: dict[str, Any]) -> None: ...


def parse_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a resize message."""
    try:
        found = msgspec.json.decode(data)
        return int(found["Width"]), int(found["Height"])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None


class SpdyTerminal:
    """Made when every stream that the request asked for is open."""

    def __init__(self, connection: SpdyConnection, streams: dict[str, SpdyStream]) -> None:
        self._connection, self._streams = connection, streams

    async def stdin(self) -> AsyncIterator[bytes]:
        stream = self._streams.get("stdin")
        while stream is not None and (data := await stream.read()):
            yield data

    async def sizes(self) -> AsyncIterator[tuple[int, int]]:
        stream, waiting = self._streams.get("resize"), b""
        while stream is not None and (data := await stream.read()):
            # Messages are JSON documents, one after the other.
            *whole, waiting = (waiting + data).replace(b"}", b"}\n").split(b"\n")
            for document in whole:
                size = parse_size(document) if document.strip() else None
                if size is not None:
                    yield size

    async def write(self, stream: int, data: bytes) -> None:
        found = self._streams.get("stderr" if stream == STDERR else "stdout")
        if found is not None:
            await found.write(data)

    async def finish(self, status: dict[str, Any]) -> None:
        await self._streams["error"].write(msgspec.json.encode(status))
        for stream in self._streams.values():
            await stream.finish()


class WebSocketTerminal:
    """Messages with their channel in front."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._base64 = "base64" in (socket.ws_protocol or "")
        # Before v4 the error channel carries plain text, and nothing for success.
        self._plain_errors = (socket.ws_protocol or "") in ("channel.k8s.io", "base64.channel.k8s.io")
        self._stdin: asyncio.Queue[bytes] = asyncio.Queue(maxsize=WAITING_MESSAGES)
        self._sizes: asyncio.Queue[tuple[int, int] | None] = asyncio.Queue(maxsize=WAITING_MESSAGES)

    async def receive(self) -> None:
        """Sort what comes into the channels until the socket closes, or says what can't be read. Before v5 only that ends the input."""
        async for message in self._socket:
            try:
                channel, data = self._parsed(message)
            except ValueError as error:
                log.info("a terminal's message can't be read: %s", error)
                break
            if channel == STDIN and data:
                await self._stdin.put(data)
            elif channel == RESIZE:
                size = parse_size(data)
                if size is not None:
                    await self._sizes.put(size)
            elif channel == CLOSE and data[:1] == bytes((STDIN,)):
                await self._stdin.put(b"")
        await self._stdin.put(b"")
        await self._sizes.put(None)

    def _parsed(self, message: WSMessage) -> tuple[int, bytes]:
        """(channel, data); in the base64 protocols the channel is one digit. Raises ValueError."""
        if message.type is WSMsgType.TEXT and self._base64:
            text: str = message.data
            return int(text[:1] or "0"), base64.b64decode(text[1:], validate=True)
        if message.type is WSMsgType.BINARY and not self._base64:
            raw: bytes = message.data
            # Browsers and keep-alives send empty messages; they mean nothing.
            return (raw[0], raw[1:]) if raw else (STDIN, b"")
        raise ValueError(f"a {message.type.name.lower()} message in protocol {self._socket.ws_protocol}")

    async def stdin(self) -> AsyncIterator[bytes]:
        while data := await self._stdin.get():
            yield data

    async def sizes(self) -> AsyncIterator[tuple[int, int]]:
        while (size := await self._sizes.get()) is not None:
            yield size

    async def write(self, stream: int, data: bytes) -> None:
        if self._socket.closed:
            return
        try:
            if self._base64:
                await self._socket.send_str(str(stream) + base64.b64encode(data).decode())
            else:
                await self._socket.send_bytes(bytes((stream,)) + data)
        except ConnectionError:
            return

    async def finish(self, status: dict[str, Any]) -> None:
        if not self._plain_errors:
            await self.write(ERROR, msgspec.json.encode(status))
        elif status.get("status") != "Success":
            await self.write(ERROR, str(status.get("message", "")).encode())
        await self._socket.close()

"""Proves how terminals' messages are read: sizes, and channels of a WebSocket."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.server.remote_command import failure, success
from provisioner.kube.kubelet.server.remote_streams import WEBSOCKET_PROTOCOLS, WebSocketTerminal, parse_size


@pytest.mark.parametrize(("data", "size"), [(b'{"Width":80,"Height":24}', (80, 24)), (b"{}", None), (b"x", None), (b"[1]", None)])
def test_sizes(data: bytes, size: tuple[int, int] | None) -> None:
    assert parse_size(data) == size


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=WEBSOCKET_PROTOCOLS)
        await socket.prepare(request)
        terminal = WebSocketTerminal(socket)
        reading = spawn("reading", terminal.receive())
        async for data in terminal.stdin():
            await terminal.write(1, data.upper())
        await terminal.finish(failure("it ended", 3) if "fail" in request.query else success())
        await stop(reading)
        return socket

    app = web.Application()
    app.router.add_get("/", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def talk(url: str, protocol: str, *messages: Any) -> list[Any]:
    async with aiohttp.ClientSession() as session, session.ws_connect(url, protocols=[protocol]) as socket:
        for message in messages:
            await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
        return [message.data async for message in socket]


async def test_version_five_ends_input_alone(url: str) -> None:
    found = await talk(url, "v5.channel.k8s.io", b"\0hello", b"\xff\0")
    assert found == [b"\1HELLO", b'\3{"metadata":{},"status":"Success"}']


async def test_exit_codes_are_in_the_status(url: str) -> None:
    found = await talk(url + "?fail", "v5.channel.k8s.io", b"\xff\0")
    assert b'"reason":"ExitCode","message":"3"' in found[0] and found[0][0] == 3


async def test_base64_channels_are_digits(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(url, protocols=["v4.base64.channel.k8s.io"]) as socket:
        await socket.send_str("0aGk=")
        assert (await socket.receive(timeout=2)).data == "1SEk="


@pytest.mark.parametrize("message", ["0a", "xaGk=", b"\0hi"])
async def test_what_is_not_base64_ends_the_input(url: str, message: str | bytes) -> None:
    found = await talk(url, "v4.base64.channel.k8s.io", message)
    assert [base64.b64decode(text[1:]) for text in found] == [b'{"metadata":{},"status":"Success"}']

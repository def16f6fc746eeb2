"""Proves who gets an answer over WebSocket, and which messages a stream becomes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from provisioner.kube.apiserver.web_sockets import send_bytes, send_lines, wants_socket


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Connection": "Upgrade", "Upgrade": "websocket"}, True),
        ({"Connection": "keep-alive, upgrade", "Upgrade": "WebSocket"}, True),
        ({"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}, False),
        ({"Upgrade": "websocket"}, False),
        ({}, False),
    ],
)
def test_who_wants_one(headers: dict[str, str], expected: bool) -> None:
    assert wants_socket(make_mocked_request("GET", "/", headers=headers)) is expected


async def _chunks() -> AsyncIterator[bytes]:
    for chunk in (b'{"a":1}\n{"b"', b":2}\n"):
        yield chunk


async def _lines(request: web.Request) -> web.StreamResponse:
    return await send_lines(request, _chunks())


async def _bytes(request: web.Request) -> web.StreamResponse:
    return await send_bytes(request, _chunks())


@pytest.mark.parametrize(
    ("path", "protocols", "expected"),
    [
        ("/lines", (), ['{"a":1}\n', '{"b":2}\n']),
        ("/bytes", ("binary.k8s.io",), [b"", b'{"a":1}\n{"b"', b":2}\n"]),
        ("/bytes", ("base64.binary.k8s.io",), ["", "eyJhIjoxfQp7ImIi", "OjJ9Cg=="]),
    ],
)
async def test_messages(path: str, protocols: tuple[str, ...], expected: list[str | bytes]) -> None:
    app = web.Application()
    app.add_routes([web.get("/lines", _lines), web.get("/bytes", _bytes)])
    async with TestClient(TestServer(app)) as client, client.ws_connect(path, protocols=protocols) as socket:
        assert [message.data async for message in socket] == expected and socket.close_code == 1000

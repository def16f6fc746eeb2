"""Proves that a connection is made inside the network of another process, and how a refused one is told."""

from __future__ import annotations

import asyncio
import base64
import os
import socket

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from provisioner.kube.kubelet.server.port_forward import connect, not_forwarded, serve


@pytest.mark.skipif(os.geteuid() != 0, reason="entering a namespace needs root")
async def test_connecting_inside_a_process_network() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(3))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        reader, writer = await connect(os.getpid(), server.sockets[0].getsockname()[1])
        writer.write(b"abc")
        assert await reader.read() == b"abc"
        writer.close()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await connect(os.getpid(), sock.getsockname()[1])


def pod() -> TestClient[web.Request, web.Application]:
    """A server that forwards into this very process, as if it were a pod's."""

    async def forward(request: web.Request) -> web.StreamResponse:
        return await serve(request, os.getpid(), "u")

    app = web.Application()
    app.router.add_get("/", forward)
    return TestClient(TestServer(app))


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write((await reader.readexactly(3)).upper())
    writer.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="entering a namespace needs root")
@pytest.mark.parametrize("protocol", ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"])
async def test_channels_say_their_port_and_end_when_the_pod_closes(protocol: str) -> None:
    listening = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()[1]
        async with listening, pod() as client, client.ws_connect(f"/?port={port}&port={nobody}", protocols=[protocol]) as ws:
            text = "base64" in protocol
            await (ws.send_str("0" + base64.b64encode(b"abc").decode()) if text else ws.send_bytes(b"\x00abc"))
            got = [(int(m.data[0]), base64.b64decode(m.data[1:])) if text else (m.data[0], m.data[1:]) async for m in ws]
    little = [number.to_bytes(2, "little") for number in (port, nobody)]
    assert got[:4] == [(0, little[0]), (1, little[0]), (2, little[1]), (3, little[1])]
    assert sorted(got[4:])[0] == (0, b"ABC")
    assert (got[4][0] == 3 or got[5][0] == 3) and len(got) == 6


@pytest.mark.parametrize(
    ("query", "problem"),
    [("", 'query parameter "port" is required'), ("?port=x", "unable to parse 'x' as a port"), ("?port=70000", "unable")],
)
async def test_ports_must_be_named(query: str, problem: str) -> None:
    async with pod() as client:
        answer = await client.get(f"/{query}", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
        assert answer.status == 400 and problem in await answer.text()


async def test_a_process_that_is_gone_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        await connect(2**22 + 1, 80)


def test_refusals_are_worded_as_upstreams() -> None:
    text = not_forwarded("u", 80, ConnectionRefusedError())
    assert text.endswith("failed to connect to localhost:80 inside the pod: dial tcp4 127.0.0.1:80: connect: connection refused")

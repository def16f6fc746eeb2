"""Proves that a connection is made inside the network of another process, and how a refused one is told."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from provisioner.kube.kubelet.server.port_forward import connect, not_forwarded


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


async def test_a_process_that_is_gone_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        await connect(2**22 + 1, 80)


def test_refusals_are_worded_as_upstreams() -> None:
    text = not_forwarded("u", 80, ConnectionRefusedError())
    assert text.endswith("failed to connect to localhost:80 inside the pod: dial tcp4 127.0.0.1:80: connect: connection refused")

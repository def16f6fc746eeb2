"""Proves what the gRPC health check says of a real gRPC server: each answer, and each refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from provisioner.kube.kubelet.pod.grpc_health import problem


async def answer(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    if request == b"\n\x04gone":
        await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service: \u00e4%")
    return {b"\n\x03bad": b"\x08\x02", b"\n\x03new": b""}.get(request, b"\x08\x01")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(answer)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),))
    number = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield number
    await server.stop(0)


GONE = "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service: \u00e4%"
CASES = [
    ("", ""),
    ("good", ""),
    ("bad", 'service unhealthy (responded with "NOT_SERVING")'),
    ("new", 'service unhealthy (responded with "UNKNOWN")'),
    ("gone", GONE),
]


@pytest.mark.parametrize(("service", "text"), CASES)
async def test_what_a_server_says(port: int, service: str, text: str) -> None:
    assert await problem("127.0.0.1", port, service, 5) == text


async def test_a_server_without_the_protocol() -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    text = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
    assert (await problem("127.0.0.1", port, "", 5)).startswith(text)
    await server.stop(0)


async def test_who_speaks_no_grpc_reads_as_silent() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        found = await problem("127.0.0.1", port, "", 5)
    assert found == f'timeout: failed to connect service "127.0.0.1:{port}" within 5s: context deadline exceeded'

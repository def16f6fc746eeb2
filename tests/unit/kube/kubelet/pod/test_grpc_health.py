"""Proves the gRPC health check against a real gRPC server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from provisioner.kube.kubelet.pod.grpc_health import check


async def answer(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    if request == b"\n\x04gone":
        await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
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


CASES = [("", "SERVING"), ("good", "SERVING"), ("bad", "NOT_SERVING"), ("new", "UNKNOWN"), ("gone", None)]


@pytest.mark.parametrize(("service", "status"), CASES)
async def test_check(port: int, service: str, status: str | None) -> None:
    async with asyncio.timeout(5):
        assert await check("127.0.0.1", port, service) == status


async def test_who_speaks_no_grpc_is_an_error() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        with pytest.raises((OSError, EOFError)):
            await check("127.0.0.1", server.sockets[0].getsockname()[1], "")

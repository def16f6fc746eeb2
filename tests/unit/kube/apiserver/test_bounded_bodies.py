"""Proves that a body is read whole, and no further than allowed."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from provisioner.kube.apiserver.bounded_bodies import read_at_most


async def test_a_body_is_read_up_to_what_is_allowed() -> None:
    async def ten(_: web.Request) -> web.Response:
        return web.Response(body=b"0123456789")

    app = web.Application()
    app.router.add_get("/", ten)
    async with TestClient(TestServer(app)) as client:
        async with client.get("/") as answer:
            assert await read_at_most(answer, 10) == b"0123456789"
        async with client.get("/") as answer:
            with pytest.raises(ValueError, match="more than 9 bytes"):
                await read_at_most(answer, 9)

"""A small API server in this process: answers as the test says, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from provisioner.kube.client.client import Client
from provisioner.kube.client.kubeconfig import ClusterAccess

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiServer:
    """`answers` are used up one by one, the last for ever; each is (code, body), (code, body, headers), or a handler."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[Any] = [(404, {"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"})]
        self.asked: list[tuple[str, str]] = []
        self.requests: list[web.Request] = []
        self.bodies: list[Any] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs))
        self.requests.append(request)
        body = await request.read()
        self.bodies.append(json.loads(body) if body else None)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            made: web.StreamResponse = await answer(request)
            return made
        code, content, *headers = answer
        text = content if isinstance(content, str) else json.dumps(content)
        return web.Response(status=code, text=text, headers=headers[0] if headers else None, content_type="application/json")

    def streaming(self, *lines: Any, hold: bool = True) -> Answer:
        """A watch: these events, and then silence or the end."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            for line in lines:
                await response.write(json.dumps(line).encode() + b"\n")
            if hold:
                await asyncio.sleep(30)
            return response

        return answer

    async def hang_up(self, request: web.Request) -> web.StreamResponse:
        """Leave in the middle, without an answer."""
        assert request.transport is not None
        request.transport.close()
        return web.Response()


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    server = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def client(api: ApiServer) -> AsyncIterator[Client]:
    async with Client(ClusterAccess(server=api.url), user_agent="test") as made:
        yield made

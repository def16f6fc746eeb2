"""Proves HTTP and TCP questions against real listeners, and how failures are worded."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod.handlers import Answer, Handlers, port_number
from provisioner.kube.kubelet.runtime.docker import Docker


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/slow":
            await asyncio.sleep(5)
        if request.path.startswith("/to/"):
            return web.Response(status=302, headers={"Location": request.query["where"]}, text="gone there")
        return web.Response(
            status=503 if request.path == "/bad" else 200, text=request.headers.get("X-A", "") + request.headers["User-Agent"]
        )

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


HANDLERS = Handlers(Docker("/nowhere.sock"))
CONTAINER = core_v1.Container(name="c", ports=[core_v1.ContainerPort(name="web", container_port=8080)])


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def http(port: int | str, path: str, timeout_s: float = 2.0) -> tuple[bool, str]:
    action = core_v1.HTTPGetAction(port=port, path=path, http_headers=[core_v1.HTTPHeader(name="X-A", value="yes")])
    answer = await HANDLERS.http(action, CONTAINER, "127.0.0.1", timeout_s, "kube-probe/1.0")
    return answer.ok, answer.message


async def test_http(port: int) -> None:
    assert await http(port, "/") == (True, "yeskube-probe/1.0")
    assert await http(port, "bad") == (False, "HTTP probe failed with statuscode: 503")
    ok, message = await http(port, "/slow", 0.05)
    assert not ok and "context deadline exceeded" in message
    closed = closed_port()
    assert await http(closed, "/") == (False, f'Get "http://127.0.0.1:{closed}/": dial tcp 127.0.0.1:{closed}: connect: connection refused')


async def test_tcp(port: int) -> None:
    assert (await HANDLERS.tcp(core_v1.TCPSocketAction(port=port), CONTAINER, "127.0.0.1", 1.0)).ok
    closed = closed_port()
    answer = await HANDLERS.tcp(core_v1.TCPSocketAction(port=closed), CONTAINER, "127.0.0.1", 1.0)
    assert not answer.ok and answer.message == f"dial tcp 127.0.0.1:{closed}: connect: connection refused"


@pytest.mark.parametrize(("port", "number"), [(80, 80), ("80", 80), ("web", 8080), ("none", None), (None, None)])
def test_ports_have_numbers_and_names(port: int | str | None, number: int | None) -> None:
    assert port_number(port, CONTAINER) == number


async def test_a_container_that_docker_does_not_answer_for_is_not_well() -> None:
    docker = Docker("/nowhere.sock")
    answer = await Handlers(docker).execute("id", ["true"], 1.0)
    await docker.close()
    assert not answer.ok and "no answer of dockerd" in answer.message


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("/good", Answer(True, "kube-probe")),
        ("/bad", Answer(False, "HTTP probe failed with statuscode: 503")),
        ("http://192.0.2.1/", Answer(True, "Probe terminated redirects, Response body: gone there", warning=True)),
    ],
    ids=["same-host", "same-host-bad", "elsewhere"],
)
async def test_redirects_are_followed_on_the_same_host_only(port: int, where: str, expected: Answer) -> None:
    action = core_v1.HTTPGetAction(path=f"/to/?where={where}", port=port)
    assert await HANDLERS.http(action, CONTAINER, "127.0.0.1", 2, "kube-probe") == expected

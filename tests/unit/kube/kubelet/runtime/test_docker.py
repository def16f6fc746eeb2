"""Proves the Engine API's client against a server on a unix socket: errors, streams, and references of images."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.runtime.docker import Docker, _split_reference


def frame(stream: int, data: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


async def handle(request: web.Request) -> web.StreamResponse:
    path = request.path.removeprefix("/v1.41")
    if path == "/containers/gone/json":
        return web.json_response({"message": "No such container: gone"}, status=404)
    if path == "/containers/ended/start":
        return web.Response(status=304)
    if path.endswith("/logs"):
        return web.Response(body=frame(1, b"out") + frame(2, b"err"))
    if path == "/images/create":
        if request.query["fromImage"] == "broken":
            return web.Response(text='{"status":"Pulling"}\n{"error":"denied","errorDetail":{}}\n')
        return web.Response(text='{"status":"done"}\n')
    if path == "/events":
        event = '{"Type":"container","Action":"die","Actor":{"ID":"x","Attributes":{"a":"b"}},"timeNano":5}\n'
        return web.Response(text=event * 2)
    if path.endswith("/exec"):
        return web.json_response({"Id": "e1"})
    if path == "/exec/e1/start":
        return web.Response(body=frame(1, b"x" * 100))
    if path == "/exec/e1/json":
        return web.json_response({"ExitCode": 4, "Running": False})
    return web.Response(status=500, text="what?")


@pytest.fixture
async def docker(tmp_path: Path) -> AsyncIterator[Docker]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "docker.sock")).start()
    made = Docker(f"unix://{tmp_path}/docker.sock")
    yield made
    await made.close()
    await runner.cleanup()


async def test_errors_carry_dockers_words(docker: Docker) -> None:
    with pytest.raises(DockerError) as error:
        await docker.inspect("gone")
    assert (error.value.status, error.value.message) == (404, "No such container: gone")
    await docker.start("ended")


async def test_no_dockerd_is_an_error_without_status(tmp_path: Path) -> None:
    docker = Docker(tmp_path / "none.sock")
    with pytest.raises(DockerError, match="no answer of dockerd") as error:
        await docker.ping()
    assert error.value.status == 0
    await docker.close()


async def test_logs_come_apart_into_streams(docker: Docker) -> None:
    assert [piece async for piece in docker.logs("c", tty=False)] == [(1, b"out"), (2, b"err")]


async def test_a_pull_that_fails_in_the_middle_fails(docker: Docker) -> None:
    await docker.pull("busybox:1")
    with pytest.raises(DockerError, match="denied"):
        await docker.pull("broken:1")


async def test_events(docker: Docker) -> None:
    events = [event async for event in docker.events()]
    assert len(events) == 2 and events[0].actor.id == "x" and events[0].time_nano == 5


async def test_running_a_command(docker: Docker) -> None:
    assert await docker.run("c", ["true"], 5.0, max_bytes=10) == (4, b"x" * 10)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("busybox", ("busybox", ":", "latest")),
        ("busybox:1", ("busybox", ":", "1")),
        ("registry:5000/a/b", ("registry:5000/a/b", ":", "latest")),
        ("registry:5000/a/b:2", ("registry:5000/a/b", ":", "2")),
        ("a/b@sha256:12", ("a/b", "@", "sha256:12")),
    ],
)
def test_references(reference: str, parts: tuple[str, str, str]) -> None:
    assert _split_reference(reference) == parts

"""exec, attach and run: a container's streams joined with those of a client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.kubelet.runtime.docker_stream import DockerStream
from provisioner.kube.kubelet.server.raw import upgrade
from provisioner.kube.kubelet.server.remote_streams import (
    OPEN_S,
    SPDY_PROTOCOLS,
    STDOUT,
    WEBSOCKET_PROTOCOLS,
    RemoteStreams,
    SpdyTerminal,
    WebSocketTerminal,
)
from provisioner.kube.kubelet.server.spdy_streams import SpdyConnection, SpdyStream

log = logging.getLogger(__name__)

Resize = Callable[[int, int], Awaitable[None]]
Session = Callable[[RemoteStreams], Awaitable[None]]
# How long a container that has ended may still be silent; Docker ends its streams at once, where they were joined in time.
SILENT_S = 1.0
# The longest that Docker is asked to wait for a container's end: as good as for ever.
ATTACHED_S = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Options:
    """Which streams the client wants, from the query (the API server's names and the kubelet's)."""

    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    @classmethod
    def of(cls, request: web.Request) -> Options:
        def on(*names: str) -> bool:
            return any(request.query.get(name, "").lower() in ("1", "true") for name in names)

        tty = on("tty")
        return cls(on("input", "stdin"), on("output", "stdout"), on("error", "stderr") and not tty, tty)


def success() -> dict[str, Any]:
    return {"metadata": {}, "status": "Success"}


def failure(message: str, code: int | None = None) -> dict[str, Any]:
    """The Status at the end of a command: with its exit code, or for one that could not run."""
    if code is None:
        return {"metadata": {}, "status": "Failure", "reason": "InternalError", "message": message, "code": 500}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": message,
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def exec_session(docker: Docker, container_id: str, command: list[str], options: Options) -> Session:
    """Run a command in a container for a client."""

    async def session(remote: RemoteStreams) -> None:
        try:
            exec_id = await docker.exec_create(container_id, command, stdin=options.stdin, tty=options.tty)
            stream = await docker.exec_attach(exec_id, tty=options.tty)
        except DockerError as error:
            await remote.finish(failure(f"error executing command in container: {error.message}"))
            return
        await _join(stream, remote, lambda w, h: docker.exec_resize(exec_id, h, w), stdin=options.stdin)
        state = await docker.exec_inspect(exec_id)
        code = state.exit_code or 0
        text = f"command terminated with non-zero exit code: error executing command {command}, exit code {code}"
        await remote.finish(failure(text, code) if code else success())

    return session


def attach_session(docker: Docker, container_id: str, options: Options, *, tty: bool) -> Session:
    """Join a container's own streams, from now on."""

    async def session(remote: RemoteStreams) -> None:
        try:
            stream = await docker.attach(container_id, stdin=options.stdin, tty=tty)
        except DockerError as error:
            await remote.finish(failure(f"error attaching to container: {error.message}"))
            return
        late = spawn("end of an attached container", _too_late(docker, container_id, stream))
        await _join(stream, remote, lambda w, h: docker.resize(container_id, h, w), stdin=options.stdin)
        missed = late.done() and not late.cancelled() and not late.exception() and late.result()
        await stop(late)
        await remote.finish(failure("error attaching to container: container is not running") if missed else success())

    return session


async def _too_late(docker: Docker, container_id: str, stream: DockerStream) -> bool:
    """Close the stream of a container that ended before it was joined: Docker would keep it open, for the container's next start."""
    try:
        await docker.wait(container_id, ATTACHED_S)
    except DockerError as error:
        log.debug("end of an attached container not seen: %s", error)
        return False
    await asyncio.sleep(SILENT_S)
    if stream.heard:
        return False
    await stream.close()
    return True


async def _join(stream: DockerStream, remote: RemoteStreams, resize: Resize, *, stdin: bool) -> None:
    """Both ways until the container's side ends."""

    async def feed() -> None:
        async for data in remote.stdin():
            await stream.write(data)
        stream.end_input()

    async def follow_size() -> None:
        async for width, height in remote.sizes():
            try:
                await resize(width, height)
            except DockerError as error:
                log.debug("terminal not resized: %s", error)

    helpers = [spawn("terminal size", follow_size())]
    if stdin:
        helpers.append(spawn("terminal input", feed()))
    try:
        async for number, data in stream.output():
            await remote.write(number, data)
    finally:
        await stop(*helpers)
        await stream.close()


async def serve(request: web.Request, options: Options, session: Session) -> web.StreamResponse:
    """Upgrade the request to what it asks for, WebSocket or SPDY/3.1, and hold the session."""
    wanted = request.headers.get("Upgrade", "").lower()
    if wanted == "websocket":
        return await _serve_websocket(request, session)
    if wanted == "spdy/3.1":
        return await _serve_spdy(request, options, session)
    raise web.HTTPBadRequest(text="you must specify at least 1 of stdin, stdout, stderr and upgrade to SPDY/3.1 or WebSocket\n")


async def _serve_websocket(request: web.Request, session: Session) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=WEBSOCKET_PROTOCOLS, max_msg_size=4 * 1024 * 1024, autoping=True)
    await socket.prepare(request)
    terminal = WebSocketTerminal(socket)
    await terminal.write(STDOUT, b"")
    await _until_either(spawn("websocket of a terminal", terminal.receive()), session(terminal))
    return socket


async def _serve_spdy(request: web.Request, options: Options, session: Session) -> web.StreamResponse:
    offered = [p.strip() for value in request.headers.getall("X-Stream-Protocol-Version", []) for p in value.split(",")]
    chosen = next((p for p in SPDY_PROTOCOLS if p in offered), None)
    if chosen is None:
        raise web.HTTPForbidden(text=f"unable to negotiate protocol: client supports {offered}, server supports {list(SPDY_PROTOCOLS)}\n")
    response, raw = await upgrade(request, {"Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": chosen})
    wanted = {"error"} | {name for name in ("stdin", "stdout", "stderr") if getattr(options, name)} | ({"resize"} if options.tty else set())
    streams: dict[str, SpdyStream] = {}
    complete = asyncio.Event()

    def opened(stream: SpdyStream) -> None:
        streams[stream.headers.get("streamtype", "")] = stream
        if wanted <= set(streams):
            complete.set()

    connection = SpdyConnection(raw, opened)

    async def hold() -> None:
        async with asyncio.timeout(OPEN_S):
            await complete.wait()
        await session(SpdyTerminal(connection, streams))

    try:
        await _until_either(spawn("spdy of a terminal", connection.run()), hold())
    except TimeoutError:
        log.info("client opened too few streams wanted=%s opened=%s", sorted(wanted), sorted(streams))
    return response


async def _until_either(reading: asyncio.Task[None], session: Any) -> None:
    """The session to its end; cut short when the client has gone and its command says nothing more."""
    holding = spawn("remote session", session)
    try:
        await asyncio.wait({reading, holding}, return_when=asyncio.FIRST_COMPLETED)
        if not holding.done():
            # A client that only ended its side may still be read to; one that is gone is not.
            await asyncio.wait({holding}, timeout=1.0)
        if holding.done():
            holding.result()
    finally:
        await stop(reading, holding)

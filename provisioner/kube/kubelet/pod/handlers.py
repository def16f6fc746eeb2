"""The four ways to ask a container something, shared by probes and lifecycle hooks: a command, HTTP, TCP, gRPC's health check."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

import aiohttp
from yarl import URL

from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.pod.grpc_health import problem as grpc_problem
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.version import HOOK_AGENT

BODY_BYTES = 10 * 1024
MESSAGE_BYTES = 1024
REDIRECTS = 10
# Nothing a hook does takes longer than the longest grace period in use; Guess.
HOOK_S = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`ok`, and what was said, for the event; `warning` is a success that somebody should know of."""

    ok: bool
    message: str
    warning: bool = False


class Handlers:
    """Safe to share. Nothing raises: what fails is an Answer that is not ok."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker

    async def execute(self, container_id: str, command: list[str], timeout_s: float) -> Answer:
        try:
            code, output = await self._docker.run(container_id, command, timeout_s)
        except TimeoutError:
            return Answer(False, f'command timed out: "{" ".join(command)}" timed out after {timeout_s:g}s')
        except DockerError as error:
            return Answer(False, error.message)
        return Answer(code == 0, output.decode(errors="replace")[:MESSAGE_BYTES])

    async def http(self, action: core_v1.HTTPGetAction, container: core_v1.Container, pod_ip: str, timeout_s: float, agent: str) -> Answer:
        port = port_number(action.port, container)
        if port is None:
            return Answer(False, f"couldn't find port: {action.port!r} in container {container.name}")
        scheme = (action.scheme or "HTTP").lower()
        path = action.path or "/"
        url = f"{scheme}://{action.host or pod_ip}:{port}{path if path.startswith('/') else '/' + path}"
        headers = {"User-Agent": agent, "Accept": "*/*"} | {h.name or "": h.value or "" for h in action.http_headers or ()}
        # A pod's certificate is its own affair: nobody signed it for its address.
        connector = aiohttp.TCPConnector(force_close=True, limit=1, ssl=False)
        try:
            async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=timeout_s)) as session:
                return await _follow(session, URL(url), headers)
        except TimeoutError:
            return Answer(False, f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)')
        except aiohttp.ClientConnectorError as error:
            return Answer(False, f'Get "{url}": dial tcp {action.host or pod_ip}:{port}: connect: {_plain(error.os_error)}')
        except aiohttp.ServerDisconnectedError:
            return Answer(False, f'Get "{url}": EOF')
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(False, f'Get "{url}": {_plain(error)}')

    async def tcp(self, action: core_v1.TCPSocketAction, container: core_v1.Container, pod_ip: str, timeout_s: float) -> Answer:
        port = port_number(action.port, container)
        if port is None:
            return Answer(False, f"couldn't find port: {action.port!r} in container {container.name}")
        host = action.host or pod_ip
        try:
            async with asyncio.timeout(timeout_s):
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
        except TimeoutError:
            return Answer(False, f"dial tcp {host}:{port}: i/o timeout")
        except OSError as error:
            return Answer(False, f"dial tcp {host}:{port}: connect: {_plain(error)}")
        return Answer(True, "")

    async def grpc(self, action: core_v1.GRPCAction, pod_ip: str, timeout_s: float) -> Answer:
        text = await grpc_problem(pod_ip, action.port or 0, action.service or "", timeout_s)
        return Answer(not text, text)

    async def hook(self, handler: core_v1.LifecycleHandler, container: core_v1.Container, container_id: str, pod_ip: str) -> Answer:
        """A lifecycle hook; the caller bounds its time."""
        if handler.exec is not None:
            return await self.execute(container_id, handler.exec.command or [], HOOK_S)
        if handler.http_get is not None:
            return await self.http(handler.http_get, container, pod_ip, 30.0, HOOK_AGENT)
        if handler.sleep is not None:
            await asyncio.sleep(handler.sleep.seconds or 0)
            return Answer(True, "")
        if handler.tcp_socket is not None:
            return await self.tcp(handler.tcp_socket, container, pod_ip, 30.0)
        return Answer(False, "invalid handler: nothing to do")


async def _follow(session: aiohttp.ClientSession, url: URL, headers: dict[str, str]) -> Answer:
    """The answer at the end of redirects to the same host. One that leads elsewhere is not followed: the container has answered."""
    at = url
    for _ in range(REDIRECTS):
        async with session.get(at, headers=headers, allow_redirects=False) as response:
            body = (await response.content.read(BODY_BYTES)).decode(errors="replace")
            location = response.headers.get("Location") if 300 <= response.status < 400 else None
            there = at.join(URL(location)) if location else None
            if there is not None and there.host == url.host:
                at = there
                continue
            if 200 <= response.status < 300:
                return Answer(True, body)
            if response.status < 400:
                return Answer(True, f"Probe terminated redirects, Response body: {body}", warning=True)
            return Answer(False, f"HTTP probe failed with statuscode: {response.status}")
    return Answer(False, f'Get "{at}": stopped after {REDIRECTS} redirects')


def port_number(port: int | str | None, container: core_v1.Container) -> int | None:
    """A port by its number or by the name that the container gave it."""
    if isinstance(port, int):
        return port
    if isinstance(port, str) and port.isdigit():
        return int(port)
    return next((p.container_port for p in container.ports or () if p.name == port), None)


def _plain(error: BaseException) -> str:
    """The kernel's own words for what it said (`connection refused`), as Go writes them."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__

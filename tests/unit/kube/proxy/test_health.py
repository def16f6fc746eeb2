"""Proves what an outer load balancer is told, and that ports follow their services."""

from __future__ import annotations

import socket

import aiohttp

from provisioner.kube.proxy.health import HealthPorts
from provisioner.kube.proxy.services import Endpoint, ServicePort

A = Endpoint("10.1.0.2", 80)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def local(health_port: int, *endpoints: Endpoint) -> list[ServicePort]:
    return [ServicePort("ns/web", "tcp", 80, external=endpoints, external_local=True, health_port=health_port, local_ready=len(endpoints))]


async def ask(port: int) -> tuple[int, object] | None:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as answer:
            return answer.status, (await answer.json())["localEndpoints"]
    except aiohttp.ClientConnectorError:
        return None


async def test_ports_follow_services() -> None:
    well = [True]
    ports, first, second = HealthPorts(lambda: well[0], "127.0.0.1"), free_port(), free_port()
    await ports.sync({"ns/web": local(first)})
    assert await ask(first) == (503, 0)
    await ports.sync({"ns/web": local(first, A)})
    assert await ask(first) == (200, 1)
    well[0] = False
    assert await ask(first) == (503, 1)
    well[0] = True
    await ports.sync({"ns/web": local(second, A)})
    assert (await ask(first), await ask(second)) == (None, (200, 1))
    await ports.sync({"ns/web": []})
    assert await ask(second) is None
    await ports.stop()


async def test_a_port_that_is_taken_is_told_and_tried_again() -> None:
    ports, port = HealthPorts(lambda: True, "127.0.0.1"), free_port()
    with socket.create_server(("127.0.0.1", port)):
        await ports.sync({"ns/web": local(port, A)})
    assert await ask(port) is None
    await ports.sync({"ns/web": local(port, A)})
    assert await ask(port) == (200, 1)
    await ports.stop()

"""Proves who may use the kubelet's API, and that the API server is asked once for the same question."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.server.access import Access, Policy, parts_of, user_of_certificate


class FakeClient:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def raw(self, method: str, path: str, *, body: bytes) -> bytes:
        kind = path.rpartition("/")[2]
        self.asked.append(kind)
        spec = msgspec.json.decode(body)["spec"]
        if kind == "tokenreviews":
            good = spec["token"] in ("reader", "master")
            groups = ["system:masters"] if spec["token"] == "master" else ["readers"]
            return msgspec.json.encode({"status": {"authenticated": good, "user": {"username": spec["token"], "groups": groups}}})
        attributes = spec["resourceAttributes"]
        allowed = (spec["user"], attributes["verb"], attributes["subresource"], attributes["name"]) == (
            "reader",
            "get",
            "metrics",
            "node-1",
        )
        return msgspec.json.encode({"status": {"allowed": allowed}})


class Served:
    def __init__(self) -> None:
        self.client, self.clock = FakeClient(), FakeClock()
        self.url = ""

    async def status(self, path: str, token: str = "", method: str = "GET") -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path, headers=headers) as response:
            return response.status


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    access = Access(made.client, "node-1", Policy(), made.clock)  # type: ignore[arg-type]
    app = web.Application(middlewares=[access.middleware])

    async def fine(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app.router.add_route("*", "/{tail:.*}", fine)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def test_nobody_is_refused(served: Served) -> None:
    assert await served.status("/pods") == 401
    assert await served.status("/pods", "stranger") == 401


async def test_a_reader_may_what_the_api_server_says(served: Served) -> None:
    assert await served.status("/metrics/resource", "reader") == 200
    assert await served.status("/exec/d/p/c", "reader", "POST") == 403
    asked = len(served.client.asked)
    assert await served.status("/metrics", "reader") == 200 and len(served.client.asked) == asked
    await served.clock.advance(301)
    assert await served.status("/metrics", "reader") == 200 and len(served.client.asked) == asked + 2


async def test_masters_may_everything(served: Served) -> None:
    assert await served.status("/exec/d/p/c", "master", "POST") == 200
    assert served.client.asked == ["tokenreviews"]


def test_certificates_name_user_and_groups() -> None:
    subject: Any = ((("organizationName", "system:masters"),), (("organizationName", "b"),), (("commonName", "apiserver"),))
    user = user_of_certificate({"subject": subject})
    assert (user.name, user.groups) == ("apiserver", ("system:masters", "b", "system:authenticated"))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/stats/summary", "stats"),
        ("/metrics/resource", "metrics"),
        ("/exec/a/b/c", "proxy"),
        ("/containerLogs/a/b/c", "proxy"),
        ("/pods", "pods proxy"),
        ("/runningpods/", "pods proxy"),
        ("/configz", "configz proxy"),
        ("/flagz", "flagz proxy"),
        ("/statusz", "statusz proxy"),
    ],
)
def test_parts(path: str, part: str) -> None:
    assert " ".join(parts_of(path)) == part

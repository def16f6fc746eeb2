"""Proves that audit events go out in batches, again where a post fails, and that a full buffer drops what comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from provisioner.kube.apiserver.audit.webhook import Batching, Blocking, Webhook
from provisioner.kube.client.kubeconfig import ClusterAccess


class Sink:
    """Takes lists of events; refuses the first `failures` of them."""

    def __init__(self) -> None:
        self.lists: list[dict[str, Any]] = []
        self.failures = 0
        self.url = ""
        self.came = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        if self.failures:
            self.failures -= 1
            return web.Response(status=500)
        assert request.headers["Authorization"] == "Bearer t"
        self.lists.append(json.loads(await request.read()))
        self.came.set()
        return web.Response()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    app = web.Application()
    app.router.add_post("/", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    await runner.cleanup()


def hook(sink: Sink, **batching: Any) -> Webhook:
    return Webhook(ClusterAccess(sink.url, token="t"), Batching(**{"backoff_s": 0.01, "wait_s": 30.0, **batching}))


async def test_a_full_batch_goes_at_once_and_again_where_it_fails(sink: Sink) -> None:
    sink.failures = 2
    made = hook(sink, size=2)
    for number in range(2):
        made.write(b'{"n":%d}\n' % number)
    await asyncio.wait_for(sink.came.wait(), 10)
    (found,) = sink.lists
    assert found["kind"] == "EventList" and found["apiVersion"] == "audit.k8s.io/v1" and found["items"] == [{"n": 0}, {"n": 1}]
    await made.close()


async def test_what_waits_goes_out_after_a_while_and_at_the_stop(sink: Sink) -> None:
    made = hook(sink, wait_s=0.01)
    made.write(b'{"n":1}\n')
    await asyncio.wait_for(sink.came.wait(), 10)
    await made.close()
    made = hook(sink)
    await asyncio.sleep(0)
    made.write(b'{"n":2}\n')
    await made.close()
    assert [found["items"] for found in sink.lists] == [[{"n": 1}], [{"n": 2}]]


async def test_a_full_buffer_drops(sink: Sink) -> None:
    made = hook(sink, buffer=3)
    for _ in range(5):
        made.write(b"{}\n")
    assert made.dropped == 2
    await made.close()
    assert len(sink.lists[0]["items"]) == 3


async def test_lists_are_sent_at_a_limited_rate(sink: Sink) -> None:
    """Two at once, then one every twentieth of a second; without a limit all at once."""
    for qps, least_s in ((20.0, 0.15), (None, 0.0)):
        sink.lists.clear()
        began = asyncio.get_running_loop().time()
        made = hook(sink, size=1, qps=qps, burst=2)
        for number in range(5):
            assert made.write(b'{"n":%d}\n' % number)
        async with asyncio.timeout(10):
            while len(sink.lists) < 5:
                sink.came.clear()
                await sink.came.wait()
        assert asyncio.get_running_loop().time() - began >= least_s
        await made.close()


async def test_a_blocking_one_says_of_each_event_whether_it_has_arrived(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Blocking(ClusterAccess(sink.url, token="t"), 0.001)
    sink.failures = 1
    assert await made.write(b'{"n":1}\n') is True
    assert await made.write(b'{"n":2}\n') is True
    assert [found["items"] for found in sink.lists] == [[{"n": 1}], [{"n": 2}]]
    sink.failures = 100
    assert await made.write(b'{"n":3}\n') is False
    await made.close()

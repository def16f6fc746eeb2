"""Readings of all nodes, every 15 seconds while somebody asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

import aiohttp

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.bounded_bodies import read_at_most
from provisioner.kube.apiserver.kubelet_proxy import Upstream
from provisioner.kube.apiserver.usage.samples import Key, Sample, Usage, parse, usages
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.tasks import spawn, stop

log = logging.getLogger(__name__)

# As metrics-server: how often kubelets are asked, how long one may take.
EVERY_S, ASK_S = 15.0, 10.0
# The first to ask waits for two readings this far apart: our kubelets have a new one after two seconds.
FIRST_S = 2.5
# Autoscalers ask every 15 s, people again and again: who hasn't for this long does no more.
WANTED_S = 300.0
# An autoscaler does not stumble over one answer that didn't come.
KEPT_S = 60.0
AT_ONCE = 32
# 110 pods of a few containers are about 100 KB.
ANSWER_BYTES = 16 * 1024 * 1024

Nodes = Callable[[], Mapping[str, Callable[[], Upstream]]]


class Scraper:
    """`nodes` gives each node's name and how to find its kubelet (which may raise StatusError)."""

    def __init__(self, nodes: Nodes, clock: Clock) -> None:
        self._nodes, self._clock = nodes, clock
        self._session: aiohttp.ClientSession | None = None
        self._last: dict[str, Sample] = {}
        # node -> what it and its containers use
        self.usages: dict[str, dict[Key, Usage]] = {}
        self._asked_s = 0.0
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def wanted(self) -> None:
        """Called for each request: returns when there is something to answer with."""
        self._asked_s = self._clock.monotonic()
        if self._task is None or self._task.done():
            self._ready.clear()
            self._task = spawn("resource metrics", self._run())
        await self._ready.wait()

    async def _run(self) -> None:
        try:
            await self.scrape()
            await self._clock.sleep(FIRST_S)
            while self._clock.monotonic() - self._asked_s < WANTED_S:
                await self.scrape()
                self._ready.set()
                await self._clock.sleep(EVERY_S)
        finally:
            self._last.clear()
            self.usages.clear()
            self._ready.set()

    async def scrape(self) -> None:
        """One reading of every node. What a node that doesn't answer has said is forgotten after a while."""
        nodes = self._nodes()
        places = asyncio.Semaphore(AT_ONCE)
        found = await asyncio.gather(*(self._one(name, find, places) for name, find in nodes.items()))
        for name, sample in zip(nodes, found, strict=True):
            before = self._last.get(name)
            if sample is None:
                oldest_s = self._clock.now().timestamp() - KEPT_S
                self.usages[name] = {key: usage for key, usage in self.usages.get(name, {}).items() if usage.at_s >= oldest_s}
                continue
            self._last[name] = sample
            fresh = usages(before, sample)
            # A kubelet that reads less often than we ask has said the same again.
            same = {key: usage for key, usage in self.usages.get(name, {}).items() if key in sample.readings}
            self.usages[name] = same | fresh
        for known in (self._last, self.usages):
            for name in [name for name in known if name not in nodes]:
                del known[name]

    async def _one(self, name: str, find: Callable[[], Upstream], places: asyncio.Semaphore) -> Sample | None:
        try:
            async with places:
                return parse(await self._text(find()), self._clock.now().timestamp())
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, StatusError) as error:
            log.info("no usage of a node node=%s: %s", name, str(error) or type(error).__name__)
            return None

    async def _text(self, upstream: Upstream) -> str:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))
        async with self._session.get(
            f"{upstream.origin}/metrics/resource",
            ssl=upstream.tls if upstream.tls is not None else True,
            server_hostname=upstream.server_name,
            timeout=aiohttp.ClientTimeout(total=ASK_S),
            allow_redirects=False,
        ) as answer:
            body = await read_at_most(answer, ANSWER_BYTES)
            if answer.status != 200:
                raise ValueError(f"the kubelet answered {answer.status}")
        return body.decode()

    async def close(self) -> None:
        if self._task is not None:
            await stop(self._task)
        if self._session is not None:
            await self._session.close()

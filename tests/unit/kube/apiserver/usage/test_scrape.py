"""Proves that kubelets are asked only while somebody wants to know, and that a node which doesn't answer has no usage."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from provisioner.kube.api.errors import unavailable
from provisioner.kube.apiserver.kubelet_proxy import Upstream
from provisioner.kube.apiserver.usage import scrape
from provisioner.kube.apiserver.usage.samples import NODE
from provisioner.kube.client.clock import FakeClock


class Kubelets(scrape.Scraper):
    """Nodes whose counters run at the given number of cores; a negative number doesn't answer."""

    def __init__(self, clock: FakeClock, **cores: float) -> None:
        super().__init__(lambda: {name: lambda name=name: self._find(name) for name in self.cores}, clock)  # type: ignore[misc]
        self.cores, self.asked = cores, 0

    def _find(self, name: str) -> Upstream:
        if self.cores[name] < 0:
            raise unavailable("no address yet")
        return Upstream(name, 10250)

    async def _text(self, upstream: Upstream) -> str:
        self.asked += 1
        now_s = self._clock.monotonic()
        at = int(1000 * self._clock.now().timestamp())
        return f"node_cpu_usage_seconds_total {now_s * self.cores[upstream.host]} {at}\nnode_memory_working_set_bytes 4096 {at}\n"


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock()


async def answered(kubelets: Kubelets, clock: FakeClock) -> dict[str, Any]:
    asking = asyncio.ensure_future(kubelets.wanted())
    await clock.advance(0)
    if not asking.done():
        await clock.advance(scrape.FIRST_S)
    await asking
    return {name: found[NODE].nano_cores for name, found in kubelets.usages.items() if NODE in found}


async def test_the_first_who_asks_waits_for_two_readings(clock: FakeClock) -> None:
    kubelets = Kubelets(clock, a=0.5, b=2.0, silent=-1)
    assert await answered(kubelets, clock) == {"a": 500_000_000, "b": 2_000_000_000}
    asked = kubelets.asked
    assert await answered(kubelets, clock) and kubelets.asked == asked
    kubelets.cores = {"b": 2.0}
    await clock.advance(scrape.EVERY_S)
    assert await answered(kubelets, clock) == {"b": 2_000_000_000}
    await kubelets.close()


async def test_a_node_that_no_longer_answers_has_no_usage_after_a_while(clock: FakeClock) -> None:
    kubelets = Kubelets(clock, a=0.5)
    assert await answered(kubelets, clock)
    kubelets.cores["a"] = -1
    await clock.advance(scrape.EVERY_S)
    assert await answered(kubelets, clock) == {"a": 500_000_000}
    for _ in range(int(scrape.KEPT_S / scrape.EVERY_S) + 1):
        await clock.advance(scrape.EVERY_S)
    assert await answered(kubelets, clock) == {}
    await kubelets.close()


async def test_nobody_is_asked_when_nobody_wants_to_know(clock: FakeClock) -> None:
    kubelets = Kubelets(clock, a=0.5)
    assert await answered(kubelets, clock)
    for _ in range(int(scrape.WANTED_S / scrape.EVERY_S) + 2):
        await clock.advance(scrape.EVERY_S)
    asked = kubelets.asked
    await clock.advance(10 * scrape.EVERY_S)
    assert kubelets.asked == asked and kubelets.usages == {}
    assert await answered(kubelets, clock) == {"a": 500_000_000}
    await kubelets.close()

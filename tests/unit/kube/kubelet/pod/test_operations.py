"""Proves that a pod's steps run once at a time, and again after a failure that grows its wait."""

from __future__ import annotations

import asyncio

from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.errors import KubeletError
from provisioner.kube.kubelet.pod.operations import Operations


class Recorded:
    def __init__(self, answer: float | None = None) -> None:
        self.clock = FakeClock()
        self.failures: list[tuple[str, str]] = []
        self.ends = 0
        self.answer = answer
        self.operations = Operations("d/p", self.clock, self.failed, self.changed)

    def failed(self, key: str, error: Exception) -> float | None:
        self.failures.append((key, str(error)))
        return self.answer

    def changed(self) -> None:
        self.ends += 1


async def broken() -> None:
    raise KubeletError("no")


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_step_under_way_is_not_begun_twice() -> None:
    found, release, runs = Recorded(), asyncio.Event(), []

    async def step() -> None:
        runs.append(1)
        await release.wait()

    found.operations.begin("volumes", step)
    found.operations.begin("volumes", step)
    await settle()
    assert found.operations.running("volumes") and runs == [1]
    release.set()
    await settle()
    assert not found.operations.running("volumes") and found.ends == 1


async def test_failures_wait_longer_each_time() -> None:
    found = Recorded()
    for expected_s in (1.0, 2.0, 4.0):
        found.operations.begin("sandbox", broken)
        await settle()
        found.operations.begin("sandbox", broken)
        assert found.operations.next_s() == expected_s
        await found.clock.advance(expected_s)
    assert found.failures == [("sandbox", "no")] * 3


async def test_the_one_who_hears_of_a_failure_may_set_the_wait() -> None:
    found = Recorded(answer=9.0)
    found.operations.begin("start main", broken)
    await settle()
    found.operations.begin("start main", broken)
    assert found.operations.next_s() == 9.0
    assert found.operations.next_s() is None, "nobody wants it any more"


async def test_a_wait_that_ends_between_beginning_and_asking_is_not_forgotten() -> None:
    found = Recorded()
    found.operations.begin("volumes", broken)
    await settle()
    await found.clock.advance(0.999)
    found.operations.begin("volumes", broken)
    await found.clock.advance(0.002)
    assert found.operations.next_s() == 0.0


async def test_stopping_cuts_steps_short() -> None:
    found = Recorded()
    found.operations.begin("pull", lambda: asyncio.sleep(1000))
    await settle()
    await found.operations.stop()
    assert not found.operations.running("pull") and found.failures == []

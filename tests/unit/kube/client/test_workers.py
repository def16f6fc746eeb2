"""Proves that workers outlive every failure of a reconcile, put keys back with backoff, and look again when asked to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from provisioner.kube.api.errors import conflict
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.tasks import spawn
from provisioner.kube.client.workers import run_workers
from provisioner.kube.client.workqueue import WorkQueue


async def run(clock: FakeClock, reconcile: Callable[[str], Awaitable[float | None]], *keys: str, for_s: float = 10.0) -> WorkQueue:
    queue = WorkQueue("q", clock=clock, first_delay_s=1.0)
    task = spawn("workers", run_workers("test", queue, reconcile, workers=2))
    for key in keys:
        queue.add(key)
    await clock.advance(for_s)
    queue.close()
    await task
    return queue


async def test_a_failure_is_tried_again_and_success_forgets_it(caplog: pytest.LogCaptureFixture) -> None:
    clock, seen = FakeClock(), list[tuple[str, float]]()

    async def reconcile(key: str) -> None:
        seen.append((key, clock.monotonic()))
        if len(seen) < 3:
            raise KeyError("bug")

    queue = await run(clock, reconcile, "a")
    assert seen == [("a", 0), ("a", 1), ("a", 3)]
    assert queue.retries("a") == 0
    assert "reconcile crashed controller=test key=a" in caplog.text


async def test_conflicts_are_quiet(caplog: pytest.LogCaptureFixture) -> None:
    clock, tries = FakeClock(), list[str]()

    async def reconcile(key: str) -> None:
        tries.append(key)
        if len(tries) == 1:
            raise conflict("pods", "a")

    await run(clock, reconcile, "a")
    assert len(tries) == 2
    assert "WARNING" not in caplog.text and "ERROR" not in caplog.text


async def test_another_look_after_a_while() -> None:
    clock, seen = FakeClock(), list[float]()

    async def reconcile(_: str) -> float | None:
        seen.append(clock.monotonic())
        return 4.0

    await run(clock, reconcile, "a", for_s=9)
    assert seen == [0, 4, 8]


async def test_a_slow_key_holds_up_no_other() -> None:
    clock, ended = FakeClock(), list[str]()

    async def reconcile(key: str) -> None:
        if key == "slow":
            await clock.sleep(5)
        ended.append(key)

    await run(clock, reconcile, "slow", "b", "c")
    assert ended == ["b", "c", "slow"]

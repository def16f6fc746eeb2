"""Proves the queue's promises: one key at most once at a time, delays, backoff, bounds and closing."""

from __future__ import annotations

import asyncio

import pytest

from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.tasks import spawn
from provisioner.kube.client.workqueue import QueueClosed, QueueFull, WorkQueue


async def test_a_key_added_twice_is_one_key() -> None:
    queue = WorkQueue("q")
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_added_while_worked_on_comes_again_after_done() -> None:
    queue = WorkQueue("q")
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"


async def test_the_earliest_of_several_delays_counts_once() -> None:
    clock = FakeClock()
    queue = WorkQueue("q", clock=clock)
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    await clock.advance(4.9)
    assert len(queue) == 0
    await clock.advance(0.2)
    assert await queue.get() == "a"
    queue.done("a")
    await clock.advance(60)
    assert len(queue) == 0


async def test_how_long_keys_wait_and_are_worked_on_is_told() -> None:
    clock = FakeClock()
    queue = WorkQueue("times", clock=clock)
    queue.add("a")
    await clock.advance(3)
    assert await queue.get() == "a"
    await clock.advance(5)
    told = {s.name + s.suffix: s.value for s in queue.samples() if s.labels.get("le") is None}
    assert (told["workqueue_queue_duration_seconds_sum"], told["workqueue_unfinished_work_seconds"]) == (3, 5)
    assert told["workqueue_longest_running_processor_seconds"] == 5
    queue.done("a")
    told = {s.name + s.suffix: s.value for s in queue.samples() if s.labels.get("le") is None}
    assert (told["workqueue_work_duration_seconds_sum"], told["workqueue_work_duration_seconds_count"]) == (5, 1)
    assert told["workqueue_unfinished_work_seconds"] == 0


async def test_backoff_doubles_until_forgotten() -> None:
    clock = FakeClock()
    queue = WorkQueue("q", clock=clock, first_delay_s=1, max_delay_s=4)
    for delay in (1, 2, 4, 4):
        queue.add_rate_limited("a")
        await clock.advance(delay - 0.1)
        assert len(queue) == 0
        await clock.advance(0.2)
        assert await queue.get() == "a"
        queue.done("a")
    assert queue.retries("a") == 4
    queue.forget("a")
    queue.add_rate_limited("a")
    await clock.advance(1.1)
    assert len(queue) == 1


async def test_waiting_takers_each_get_one() -> None:
    queue = WorkQueue("q")
    takers = [spawn(f"taker {n}", queue.get()) for n in range(2)]
    await asyncio.sleep(0)
    queue.add("a")
    queue.add("b")
    assert sorted(await asyncio.gather(*takers)) == ["a", "b"]


async def test_a_cancelled_taker_hands_its_turn_on() -> None:
    queue = WorkQueue("q")
    first, second = spawn("first", queue.get()), spawn("second", queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await asyncio.wait_for(second, 1) == "a"


async def test_bounded() -> None:
    queue = WorkQueue("q", max_keys=1)
    queue.add("a")
    with pytest.raises(QueueFull):
        queue.add("b")


async def test_close_ends_takers() -> None:
    queue = WorkQueue("q")
    taker = spawn("taker", _closed(queue))
    await asyncio.sleep(0)
    queue.close()
    assert await taker


async def _closed(queue: WorkQueue) -> bool:
    try:
        await queue.get()
    except QueueClosed:
        return True
    return False

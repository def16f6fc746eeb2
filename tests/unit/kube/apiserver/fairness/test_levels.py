"""Proves that seats are given as they are free, that queues are fair and bounded, and that who gives up leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.fairness.levels import Level, Queuing, Who, dealt
from provisioner.kube.apiserver.requests import Target

WHO = Who("s", "", "u", Target("get", "/"), 0.0)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def level(limit: int, queuing: Queuing | None, time: Time | None = None) -> Level:
    made = Level("l", time or Time())
    made.configure(queuing, limit)
    return made


@given(st.integers(0, 2**64 - 1), st.integers(1, 128), st.integers(1, 10))
def test_hands(hash_: int, queues: int, size: int) -> None:
    hand = dealt(hash_, queues, size)
    assert len(set(hand)) == len(hand) == min(size, queues) and all(0 <= i < queues for i in hand)
    assert hand == dealt(hash_, queues, size)


async def test_without_queues_who_finds_no_seat_is_refused() -> None:
    made = level(2, None)
    assert made.enter(1) and made.enter(1) and not made.enter(1)
    with pytest.raises(StatusError) as caught:
        await made.wait(1, 1, 1.0, WHO)
    assert caught.value.code == 429 and caught.value.retry_after_s == 1 and made.rejected == {"concurrency-limit": 1}
    made.leave(1)
    assert made.enter(1)


async def test_a_request_that_is_wider_than_all_goes_alone() -> None:
    made = level(2, None)
    assert made.enter(5) and not made.enter(1)
    made.leave(5)
    assert made.enter(1) and not made.enter(2)


async def test_a_full_queue_and_waiting_too_long() -> None:
    made = level(1, Queuing(1, 1, 1))
    assert made.enter(1)
    waits = asyncio.get_running_loop().create_task(made.wait(7, 1, 0.01, WHO))
    await asyncio.sleep(0)
    with pytest.raises(StatusError):
        await made.wait(7, 1, 1.0, WHO)
    with pytest.raises(StatusError):
        await waits
    assert {key: sum(spread.counts) for key, spread in made.waited.items()} == {(WHO.schema, False): 1}
    assert made.rejected == {"queue-full": 1, "time-out": 1} and (made.waiting, made.waiting_seats, made.in_use) == (0, 0, 1)


async def test_who_gives_up_leaves_nothing_behind() -> None:
    made = level(1, Queuing(4, 2, 10))
    made.enter(1)
    first = asyncio.get_running_loop().create_task(made.wait(1, 1, 5.0, WHO))
    second = asyncio.get_running_loop().create_task(made.wait(2, 1, 5.0, WHO))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    made.leave(1)
    leave = await second
    assert (made.in_use, made.waiting) == (1, 0)
    leave()
    # Whose turn came in the moment of being cancelled gives the seat back, too.
    made.enter(1)
    third = asyncio.get_running_loop().create_task(made.wait(3, 1, 5.0, WHO))
    await asyncio.sleep(0)
    made.leave(1)
    third.cancel()
    await asyncio.gather(third, return_exceptions=True)
    assert (made.in_use, made.executing, made.waiting) == (0, 0, 0)


async def test_a_noisy_flow_gets_no_more_than_a_quiet_one() -> None:
    """Of the next 20 seats a flow with 100 waiting requests gets as many as one with 10, where they share no queue."""
    time = Time()
    made = level(1, Queuing(64, 1, 200), time)
    noisy, quiet = 1, 2
    assert dealt(noisy, 64, 1) != dealt(quiet, 64, 1)
    made.enter(1)
    served: list[int] = []

    async def one(flow: int) -> Callable[[], None]:
        leave = await made.wait(flow, 1, 5.0, WHO)
        served.append(flow)
        time.now += 0.01
        leave()
        return leave

    tasks = [asyncio.get_running_loop().create_task(one(noisy)) for _ in range(100)]
    await asyncio.sleep(0)
    tasks += [asyncio.get_running_loop().create_task(one(quiet)) for _ in range(10)]
    await asyncio.sleep(0)
    made.leave(1)
    await asyncio.gather(*tasks)
    assert Counter(served[:20]) == {noisy: 10, quiet: 10} and len(served) == 110


async def test_more_seats_let_more_in() -> None:
    made = level(1, Queuing(2, 1, 10))
    made.enter(1)
    waits = [asyncio.get_running_loop().create_task(made.wait(i, 1, 5.0, WHO)) for i in range(3)]
    await asyncio.sleep(0)
    assert made.waiting == 3 and made.peak == 4
    made.set_limit(3)
    await asyncio.sleep(0)
    assert made.waiting == 1 and made.in_use == 3
    made.set_limit(None)
    await asyncio.gather(*waits)
    assert sum(made.waited[WHO.schema, True].counts) == 3

"""Proves that the fake clock wakes sleepers in the order of their deadlines, each at its own time."""

from __future__ import annotations

from datetime import UTC, datetime

from provisioner.kube.client.clock import FakeClock, SystemClock
from provisioner.kube.client.tasks import spawn


async def test_sleepers_wake_in_order() -> None:
    clock, woken = FakeClock(), list[tuple[str, float]]()

    async def sleeper(name: str, *delays: float) -> None:
        for delay in delays:
            await clock.sleep(delay)
            woken.append((name, clock.monotonic()))

    spawn("a", sleeper("a", 3, 3))
    spawn("b", sleeper("b", 5))
    await clock.advance(10)
    assert woken == [("a", 3), ("b", 5), ("a", 6)]
    assert clock.now() == datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)


def test_the_systems_clock_has_a_zone() -> None:
    assert SystemClock().now().tzinfo is UTC

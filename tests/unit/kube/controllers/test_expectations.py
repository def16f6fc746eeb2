"""Proves that what was asked for holds a controller back until it is seen, or too old."""

from __future__ import annotations

from provisioner.kube.client.clock import FakeClock
from provisioner.kube.controllers.expectations import TIMEOUT_S, Expectations


def test_creations_and_deletions_are_waited_for() -> None:
    known = Expectations(FakeClock())
    assert known.fulfilled("ns/a")
    known.expect_creations("ns/a", 2)
    known.created("ns/a")
    assert not known.fulfilled("ns/a")
    known.created("ns/a")
    assert known.fulfilled("ns/a")
    known.expect_deletions("ns/a", {"p1", "p2"})
    known.deleted("ns/a", "p1")
    known.deleted("ns/a", "p1")
    assert not known.fulfilled("ns/a")
    known.deleted("ns/a", "p2")
    assert known.fulfilled("ns/a")


async def test_they_grow_old() -> None:
    clock = FakeClock()
    known = Expectations(clock)
    known.expect_creations("ns/a", 1)
    await clock.advance(TIMEOUT_S + 1)
    assert known.fulfilled("ns/a")

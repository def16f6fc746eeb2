"""Proves the back-off of containers and images: at once, then 10 s doubling to 5 minutes, and forgotten after a good while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.kube.kubelet.pod.restart import Backoff, shown

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_the_first_restart_is_free_and_the_next_ones_wait_longer() -> None:
    backoff = Backoff()
    assert backoff.remaining_s("c", at(0), at(0)) == 0
    waits = []
    now = 0.0
    for _ in range(7):
        backoff.next("c", at(now))
        waits.append(backoff.remaining_s("c", at(now), at(now)))
        now += waits[-1]
    assert waits == [10, 20, 40, 80, 160, 300, 300]


def test_waiting_counts_from_the_end() -> None:
    backoff = Backoff()
    backoff.next("c", at(0))
    assert backoff.remaining_s("c", at(5), at(9)) == 6
    assert backoff.remaining_s("c", at(5), at(16)) == 0


def test_a_container_that_ran_long_begins_anew() -> None:
    backoff = Backoff()
    backoff.next("c", at(0))
    backoff.next("c", at(10))
    assert backoff.remaining_s("c", at(700), at(700)) == 0
    backoff.next("c", at(700))
    assert backoff.delay_s("c") == 10


@pytest.mark.parametrize(("seconds", "text"), [(10, "10s"), (80, "1m20s"), (300, "5m0s")])
def test_delays_are_shown_as_go_shows_them(seconds: float, text: str) -> None:
    assert shown(seconds) == text

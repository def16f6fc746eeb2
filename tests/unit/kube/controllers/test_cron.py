"""Proves schedules: fields, names, steps, time zones with their gaps, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from provisioner.kube.controllers.cron import ScheduleError, parse


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        ("*/5 * * * *", "2026-01-01T12:01", "2026-01-01T12:05"),
        ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("30 4 1,15 * 5", "2026-01-01T05:00", "2026-01-02T04:30"),  # either the day of the month or a Friday
        ("0 9 * * mon-wed", "2026-01-01T00:00", "2026-01-05T09:00"),
        ("@monthly", "2026-01-31T23:59", "2026-02-01T00:00"),
        ("0 12 ? * *", "2026-01-01T12:00", "2026-01-02T12:00"),
        ("5/20 * * * *", "2026-01-01T12:06", "2026-01-01T12:25"),
    ],
)
def test_the_next_time(schedule: str, after: str, due: str) -> None:
    found = parse(schedule).next(datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_an_hour_that_a_time_zone_leaves_out_is_left_out() -> None:
    found = parse("30 2 * * *").next(datetime(2026, 3, 28, 12, 0, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert found == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


def test_a_day_that_never_comes() -> None:
    assert parse("0 0 30 2 *").next(datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("* * * *", "exactly 5 fields"),
        ("60 * * * *", "above maximum"),
        ("* * 0 * *", "below minimum"),
        ("5-1 * * * *", "beyond end of range"),
        ("*/0 * * * *", "positive number"),
        ("x * * * *", "failed to parse int"),
        ("@often", "unrecognized descriptor"),
        ("@every soon", "failed to parse duration"),
    ],
)
def test_what_is_no_schedule(text: str, why: str) -> None:
    with pytest.raises(ScheduleError, match=why):
        parse(text)

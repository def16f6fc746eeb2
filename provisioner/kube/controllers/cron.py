"""Cron schedules: five fields or a name like @hourly, and the next time that one is due in a time zone. Pure.

As robfig/cron, which Kubernetes uses: names of months and weekdays, ranges, steps, `?` as `*`; where day of month and day of week are both
given, either will do. Hours that a time zone's change leaves out are left out; those that it repeats count once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_MONTHS = {n: i for i, n in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)}
_DAYS = {n: i for i, n in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_UNITS = {"h": 3600, "m": 60, "s": 1}
# The 29th of February comes at least once in 8 years; what doesn't come in twice that never does.
_HORIZON_DAYS = 16 * 366


class ScheduleError(ValueError):
    """The text is no schedule; the message says which part and why."""


@dataclass(frozen=True)
class Schedule:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    # Whether the field was * : then only the other one of days and weekdays restricts.
    any_day: bool = True
    any_weekday: bool = True
    # @every: seconds between times, and no calendar.
    every_s: int = 0

    def next(self, after: datetime, zone: tzinfo = UTC) -> datetime | None:
        """The first time later than `after`, in UTC; None where there is none."""
        if self.every_s:
            return after.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=self.every_s)
        local = after.astimezone(zone)
        day = local.date()
        for _ in range(_HORIZON_DAYS):
            if day.month in self.months and self._day(day.day, day.isoweekday() % 7):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
                        back = moment.astimezone(zone)
                        # A time that the zone's change leaves out comes back as another one.
                        if moment > after and (back.hour, back.minute) == (hour, minute):
                            return moment
            day += timedelta(days=1)
        return None

    def _day(self, day: int, weekday: int) -> bool:
        if self.any_day or self.any_weekday:
            return day in self.days and weekday in self.weekdays
        return day in self.days or weekday in self.weekdays


def parse(text: str) -> Schedule:
    """Raises ScheduleError."""
    text = text.strip()
    if text.startswith("@every "):
        return Schedule(*(frozenset[int](),) * 5, every_s=_duration(text.removeprefix("@every ").strip()))
    if text.startswith("@"):
        if text not in _NAMED:
            raise ScheduleError(f"unrecognized descriptor: {text}")
        text = _NAMED[text]
    fields = text.split()
    if len(fields) != 5:
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields)}: {fields}")
    minutes, hours, days, months, weekdays = fields
    return Schedule(
        _field(minutes, 0, 59),
        _field(hours, 0, 23),
        _field(days, 1, 31),
        _field(months, 1, 12, _MONTHS),
        _field(weekdays, 0, 6, _DAYS),
        any_day=_is_star(days),
        any_weekday=_is_star(weekdays),
    )


def _is_star(field: str) -> bool:
    return any(part.partition("/")[0] in ("*", "?") for part in field.split(","))


def _duration(text: str) -> int:
    total, number = 0.0, ""
    for char in text:
        if char.isdigit() or char == ".":
            number += char
        elif char in _UNITS and number:
            total += float(number) * _UNITS[char]
            number = ""
        else:
            raise ScheduleError(f"failed to parse duration @every {text}")
    if number or total < 1:
        raise ScheduleError(f"failed to parse duration @every {text}")
    return int(total)


def _field(text: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        first, dash, last = span.partition("-")
        if first in ("*", "?") and not dash:
            start, end = low, high
        else:
            start = _number(first, names)
            end = _number(last, names) if dash else high if slash else start
        step = _number(step_text, None) if slash else 1
        if start < low:
            raise ScheduleError(f"beginning of range ({start}) below minimum ({low}): {part}")
        if end > high:
            raise ScheduleError(f"end of range ({end}) above maximum ({high}): {part}")
        if start > end:
            raise ScheduleError(f"beginning of range ({start}) beyond end of range ({end}): {part}")
        if step == 0:
            raise ScheduleError(f"step of range should be a positive number: {part}")
        found.update(range(start, end + 1, step))
    return frozenset(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    if names and text.lower() in names:
        return names[text.lower()]
    if not text.isdigit():
        raise ScheduleError(f"failed to parse int from {text}")
    return int(text)

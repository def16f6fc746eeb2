"""How long tasks and the whole run took, in the words of the callbacks `profile_tasks` and `timer`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

_WIDTH = 79
_SHOWN_TASKS = 20  # profile_tasks' output_limit


class Timings:
    """`start` is told of each task; lines come back to be printed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = self._last = clock()
        self._current: int | None = None
        self._since = self._began
        self._names: dict[int, str] = {}
        self._seconds: dict[int, float] = {}

    def start(self, serial: int, name: str) -> str:
        """Of a task; the line below its title."""
        self._end()
        self._current, self._since = serial, self._clock()
        self._names[serial] = name
        return self._line()

    def _end(self) -> None:
        if self._current is not None:
            self._seconds[self._current] = self._seconds.get(self._current, 0.0) + self._clock() - self._since
            self._current = None

    def _line(self) -> str:
        now = self._clock()
        before, self._last = self._last, now
        moment = datetime.now().astimezone().strftime("%A %d %B %Y  %H:%M:%S %z")
        return filled(f"{moment} ({_hours(now - before)}){' ' * 7}{_hours(now - self._began)}")

    def slowest(self) -> Iterator[str]:
        """The lines of TASKS RECAP."""
        yield self._line()
        yield "=" * _WIDTH + " "
        self._end()
        for serial, seconds in sorted(self._seconds.items(), key=lambda entry: -entry[1])[:_SHOWN_TASKS]:
            yield f"{self._names[serial] + ' ':-<{_WIDTH - 9}}{f' {seconds:.2f}s':->9}"

    def whole(self) -> str:
        """The line of PLAYBOOK RECAP."""
        seconds = int(self._clock() - self._began)
        days, rest = divmod(seconds, 86400)
        return f"Playbook run took {days} days, {rest // 3600} hours, {rest // 60 % 60} minutes, {rest % 60} seconds"


def filled(text: str) -> str:
    return f"{text} {'*' * max(3, _WIDTH - len(text) - 1)} "


def _hours(seconds: float) -> str:
    thousandths = int(seconds * 1000)
    return f"{thousandths // 3600000}:{thousandths // 60000 % 60:02d}:{thousandths // 1000 % 60:02d}.{thousandths % 1000:03d}"

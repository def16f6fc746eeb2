"""When a container may start again: 10 s after its second end, then twice as long each time, 5 minutes at most (upstream's crash loop)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_S = 10.0
MAX_S = 300.0
# A container that ran for longer than this starts from the beginning (upstream: twice the maximum).
FORGET_S = 2 * MAX_S


@dataclass(slots=True)
class _Entry:
    delay_s: float
    since: datetime


class Backoff:
    """Delays by key (a container's name, an image). Keeps nothing over a restart of the kubelet, as upstream."""

    def __init__(self, first_s: float = FIRST_S, max_s: float = MAX_S) -> None:
        self._first_s, self._max_s = first_s, max_s
        self._entries: dict[str, _Entry] = {}

    def remaining_s(self, key: str, since: datetime, now: datetime) -> float:
        """How long to wait yet, counted from `since` (when it ended, or failed last); 0 for not at all."""
        entry = self._entries.get(key)
        if entry is None or (now - entry.since) > timedelta(seconds=FORGET_S):
            return 0.0
        return max(0.0, entry.delay_s - (now - since).total_seconds())

    def delay_s(self, key: str) -> float:
        """The whole of the present delay; 0 where there is none."""
        entry = self._entries.get(key)
        return entry.delay_s if entry else 0.0

    def since(self, key: str) -> datetime | None:
        """When the last try was noted."""
        entry = self._entries.get(key)
        return entry.since if entry else None

    def next(self, key: str, now: datetime) -> None:
        """Another try is made now: the wait after it is longer."""
        entry = self._entries.get(key)
        if entry is None or (now - entry.since) > timedelta(seconds=FORGET_S):
            self._entries[key] = _Entry(self._first_s, now)
        else:
            entry.delay_s = min(self._max_s, entry.delay_s * 2)
            entry.since = now

    def forget(self, key: str) -> None:
        self._entries.pop(key, None)


def shown(delay_s: float) -> str:
    """A delay as Go writes it: 10s, 1m20s, 5m0s."""
    minutes, seconds = divmod(int(delay_s), 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"

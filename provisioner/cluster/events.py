"""What a run says while it goes on. Listeners write the log and draw the terminal; a listener must not fail and must not block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Kinds: run_start, stage_start, progress, task, result, warning, stage_end, recap, run_end. `host` is empty when it concerns all.
    `data` is JSON-able and holds no secrets.
    """

    kind: str
    text: str = ""
    host: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]


class Bus:
    """Hands each event to every listener, one at a time, from whichever thread it comes."""

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self._listeners = list(listeners)
        self._lock = threading.Lock()

    def add(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def send(self, kind: str, text: str = "", *, host: str = "", **data: Any) -> None:
        event = Event(kind, text, host, data)
        with self._lock:
            for listener in self._listeners:
                listener(event)

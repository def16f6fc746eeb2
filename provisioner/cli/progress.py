"""Draws a run: live rows for each host on a terminal, plain lines in a pipe. Listens to the cluster's events."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

from provisioner.cluster.events import Event

# A run that says nothing for longer looks dead.
HEARTBEAT_S = 10.0


class Drawing(Protocol):
    """A listener that may hold the terminal while it is entered."""

    def __call__(self, event: Event) -> None: ...
    def __enter__(self) -> Drawing: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def drawing(verbosity: int = 0) -> Drawing:
    """Live on a terminal, else lines."""
    return LiveDrawing(verbosity) if sys.stdout.isatty() and sys.stdout.encoding.lower().startswith("utf") else LineDrawing(verbosity)


def line_of(event: Event, verbosity: int) -> str | None:
    """The one line an event is worth in a log; None when it is not worth one at this verbosity."""
    host = f"{event.host}  " if event.host else ""
    if event.kind == "stage_start":
        return f"== {event.text}"
    if event.kind == "stage_end":
        return f"== {event.text} {'done' if event.data.get('ok') else 'FAILED'} in {event.data.get('seconds', 0):.1f} s"
    if event.kind in ("progress", "would"):
        return f"   {host}{event.text}" if event.kind == "progress" else f"   {host}would {event.text}"
    if event.kind == "result":
        return _result_line(event, verbosity)
    if event.kind == "task" and verbosity > 0:
        return f"   {host}{event.text}"
    return None


def _result_line(event: Event, verbosity: int) -> str | None:
    status = str(event.data.get("status", "ok"))
    if status in ("ok", "skipped") and verbosity == 0:
        return None
    text = f"   {event.host}  {status:<8} {event.text}"
    if event.data.get("seconds", 0) >= 1:
        text += f"  ({event.data['seconds']:.1f} s)"
    if status in ("failed", "unreachable") and event.data.get("msg"):
        text += "".join(f"\n      | {line}" for line in str(event.data["msg"]).splitlines()[-20:])
    for change in event.data.get("diff") or ():
        text += "".join(f"\n      {line}" for line in str(change).splitlines()[:60])
    return text


class Underway:
    """Which task each host is at, and since when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, tuple[str, float]] = {}
        self._told: dict[str, float] = {}

    def follow(self, event: Event) -> None:
        if event.kind == "task" and event.host:
            self._since[event.host] = (event.text, self._clock())
            self._told.pop(event.host, None)
        elif event.kind == "result" and self._since.get(event.host, ("", 0.0))[0] == event.text:
            self._since.pop(event.host)
        elif event.kind in ("stage_start", "stage_end"):
            self._since.clear()

    def of(self, host: str) -> str:
        """What it does, with the seconds once there are some; empty between two tasks."""
        task, since = self._since.get(host, ("", self._clock()))
        seconds = self._clock() - since
        return f"{task} ({seconds:.0f} s)" if seconds >= 1 else task

    def overdue(self) -> list[str]:
        """A line for each host whose task has gone on for another ten seconds without a word."""
        lines = []
        for host, (_, since) in list(self._since.items()):
            if self._clock() - self._told.get(host, since) >= HEARTBEAT_S:
                self._told[host] = self._clock()
                lines.append(f"   {host}  goes on   {self.of(host)}")
        return lines


class LineDrawing:
    """One line an event, flushed, so that a log file shows where a run is; a long task says that it goes on."""

    def __init__(self, verbosity: int = 0) -> None:
        self._verbosity = verbosity
        self._underway = Underway()
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> LineDrawing:
        self._heart.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._heart.join()

    def __call__(self, event: Event) -> None:
        self._underway.follow(event)
        line = line_of(event, self._verbosity)
        if line is not None:
            print(line, flush=True)

    def _beat(self) -> None:
        while not self._ended.wait(1.0):
            for line in self._underway.overdue():
                print(line, flush=True)


class LiveDrawing:
    """Above, the lines that stay; below, a row a host with what it does now."""

    def __init__(self, verbosity: int = 0) -> None:
        from rich.console import Console
        from rich.live import Live

        self._verbosity = verbosity
        self._console = Console(highlight=False)
        self._hosts: dict[str, dict[str, int]] = {}
        self._underway = Underway()
        self._stage, self._stage_started, self._note = "", 0.0, ""
        # It draws once while it is made.
        self._live = Live(console=self._console, get_renderable=self._table, refresh_per_second=8, transient=True)

    def __enter__(self) -> LiveDrawing:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        self._underway.follow(event)
        if event.kind == "stage_start":
            self._stage, self._stage_started, self._note = event.text, time.monotonic(), ""
            self._hosts.clear()
        elif event.kind == "task":
            self._row(event.host)
        elif event.kind == "progress":
            self._note = event.text
        elif event.kind == "result":
            row = self._row(event.host)
            row["changed"] += bool(event.data.get("changed"))
            row["done"] += 1
        if event.kind == "stage_start" or (event.kind == "progress" and self._verbosity == 0 and not event.host):
            return
        line = line_of(event, self._verbosity)
        if line is not None:
            self._console.print(line, style=_style(event), markup=False)

    def refresh(self) -> None:
        """Draws now, without waiting for the next of its turns."""
        self._live.refresh()

    def _row(self, host: str) -> dict[str, int]:
        return self._hosts.setdefault(host, {"changed": 0, "done": 0})

    def _table(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        if not self._stage:
            return Text("")
        table = Table.grid(padding=(0, 2))
        for host, row in sorted(self._hosts.items()):
            if host:
                table.add_row(
                    Text(f"  {host}", style="bold"),
                    f"{row['done']} done",
                    f"{row['changed']} changed",
                    Text(self._underway.of(host), style="dim"),
                )
        head = Text(f"{self._stage} {time.monotonic() - self._stage_started:.0f} s  {self._note}", style="cyan", no_wrap=True)
        return Group(head, table)


def _style(event: Event) -> str:
    if event.kind == "stage_end":
        return "green" if event.data.get("ok") else "red"
    status = event.data.get("status")
    return {"changed": "yellow", "failed": "red", "unreachable": "red"}.get(str(status), "")

"""Draws a run: live rows for each host on a terminal, plain lines in a pipe. Listens to the cluster's events."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Protocol

from provisioner.cluster.events import Event


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


class LineDrawing:
    """One line an event, flushed, so that a log file shows where a run is."""

    def __init__(self, verbosity: int = 0) -> None:
        self._verbosity = verbosity

    def __enter__(self) -> LineDrawing:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def __call__(self, event: Event) -> None:
        line = line_of(event, self._verbosity)
        if line is not None:
            print(line, flush=True)


class LiveDrawing:
    """Above, the lines that stay; below, a row a host with what it does now."""

    def __init__(self, verbosity: int = 0) -> None:
        from rich.console import Console
        from rich.live import Live

        self._verbosity = verbosity
        self._console = Console(highlight=False)
        self._hosts: dict[str, dict[str, Any]] = {}
        self._stage, self._stage_started, self._note = "", 0.0, ""
        # It draws once while it is made.
        self._live = Live(console=self._console, get_renderable=self._table, refresh_per_second=8, transient=True)

    def __enter__(self) -> LiveDrawing:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        if event.kind == "stage_start":
            self._stage, self._stage_started, self._note = event.text, time.monotonic(), ""
            self._hosts.clear()
        elif event.kind == "task":
            self._row(event.host)["task"] = event.text
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

    def _row(self, host: str) -> dict[str, Any]:
        return self._hosts.setdefault(host, {"task": "", "changed": 0, "done": 0})

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
                    Text(f"  {host}", style="bold"), f"{row['done']} done", f"{row['changed']} changed", Text(row["task"], style="dim")
                )
        head = Text(f"{self._stage} {time.monotonic() - self._stage_started:.0f} s  {self._note}", style="cyan", no_wrap=True)
        return Group(head, table)


def _style(event: Event) -> str:
    if event.kind == "stage_end":
        return "green" if event.data.get("ok") else "red"
    status = event.data.get("status")
    return {"changed": "yellow", "failed": "red", "unreachable": "red"}.get(str(status), "")

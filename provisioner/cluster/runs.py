"""The event log of each run, and what the last one left unfinished."""

from __future__ import annotations

import datetime
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from provisioner.cluster.events import Event
from provisioner.pki.store import private_directory

KEPT_RUNS = 30


class RunLog:
    """Writes `runs/<id>/events.jsonl`, a line an event, each line in one write so that a killed run leaves whole lines."""

    def __init__(self, runs: Path, *, now: Callable[[], datetime.datetime] | None = None) -> None:
        self._now = now or (lambda: datetime.datetime.now(datetime.UTC))
        self.id = f"{self._now():%Y%m%dT%H%M%SZ}-{os.getpid()}"
        self.path = runs / self.id / "events.jsonl"
        private_directory(self.path.parent)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        for old in sorted(p for p in runs.iterdir() if p.is_dir())[:-KEPT_RUNS]:
            shutil.rmtree(old, ignore_errors=True)

    def __call__(self, event: Event) -> None:
        line: dict[str, Any] = {"time": self._now().isoformat(timespec="milliseconds"), "kind": event.kind}
        line |= {key: value for key, value in (("host", event.host), ("text", event.text), ("data", dict(event.data))) if value}
        os.write(self._descriptor, json.dumps(line, default=str).encode() + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)


def unfinished(runs: Path) -> set[str]:
    """Hosts that were changed since the last run that applied everything: their daemons may still run with what was before.

    Looks back over killed and failed runs to the last one that ended well.
    """
    found: set[str] = set()
    for folder in sorted((p for p in runs.iterdir() if p.is_dir()), reverse=True) if runs.is_dir() else ():
        applied, changed = False, set()
        for line in events(folder / "events.jsonl"):
            if line.get("kind") == "result" and line.get("data", {}).get("changed"):
                changed.add(str(line.get("host")))
            if line.get("kind") == "stage_end" and line.get("text") == "apply" and line.get("data", {}).get("ok"):
                applied = True
        if applied:
            return found
        found |= changed
    return found


def events(path: Path) -> Iterator[dict[str, Any]]:
    """The log's lines; one that was cut short ends it."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return
    for text in lines:
        try:
            yield json.loads(text)
        except ValueError:
            return

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


# Roles whose changes concern daemons of other roles.
SHARED_ROLES = ("common", "release", "pki")
DAEMON_ROLES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-dns", "kubelet", "kube-proxy")


def unfinished(runs: Path) -> dict[str, list[str]]:
    """By host, the roles whose files were changed and whose daemons were not started after that, since the last run that applied all.

    Looks back over killed and failed runs. A task called `… runs` or `… are in force` is the one that makes a role's changes count.
    """
    history: list[Path] = []
    for folder in sorted((p for p in runs.iterdir() if p.is_dir()), reverse=True) if runs.is_dir() else ():
        log = folder / "events.jsonl"
        if any(line.get("kind") == "stage_end" and line.get("text") == "apply" and line.get("data", {}).get("ok") for line in events(log)):
            break
        history.insert(0, log)
    pending: dict[str, set[str]] = {}
    for log in history:
        for line in events(log):
            if line.get("kind") == "result":
                _follow(pending.setdefault(str(line.get("host")), set()), str(line.get("text")), line.get("data", {}))
    return {host: sorted(roles) for host, roles in sorted(pending.items()) if roles}


def _follow(pending: set[str], task: str, data: dict[str, Any]) -> None:
    role, _, name = task.partition(" : ")
    if name.endswith((" runs", " are in force")):
        if data.get("status") in ("ok", "changed"):
            pending.discard(role)
    elif data.get("changed"):
        pending.add(role)
        if role in SHARED_ROLES:
            pending.update(DAEMON_ROLES)


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

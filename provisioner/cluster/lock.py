"""One run at a time on a cluster: a lock file that the kernel frees when its holder dies, and that says who holds it and at what step."""

from __future__ import annotations

import datetime
import fcntl
import getpass
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from provisioner.cluster.errors import LockedError


class Lock:
    """A context manager. `step` may be told as the run goes on; others see it when they are turned away.

    A killed holder's lock is free at once. Only a lock on a file system shared with another computer can stay behind; `break_it` removes
    that one.
    """

    def __init__(self, path: Path, purpose: str, *, break_it: bool = False, now: Callable[[], datetime.datetime] | None = None) -> None:
        self._path = path
        self._break = break_it
        self._now = now or (lambda: datetime.datetime.now(datetime.UTC))
        self._descriptor: int | None = None
        self._record: dict[str, Any] = {"purpose": purpose, "step": "starting"}

    def __enter__(self) -> Lock:
        if self._break:
            self._path.unlink(missing_ok=True)
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                record = _read(descriptor)
                os.close(descriptor)
                raise LockedError(_describe(self._path, record), hint=_hint(record)) from None
            if _same_file(descriptor, self._path):
                break
            os.close(descriptor)  # it was removed between our open and our lock
        self._descriptor = descriptor
        self._record |= {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "user": getpass.getuser(),
            "since": self._now().isoformat(timespec="seconds"),
        }
        self._write()
        return self

    def step(self, name: str) -> None:
        self._record["step"] = name
        self._write()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self) -> None:
        if self._descriptor is not None:
            data = json.dumps(self._record).encode()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, data, 0)


def _read(descriptor: int) -> dict[str, Any]:
    try:
        loaded = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _describe(path: Path, record: dict[str, Any]) -> str:
    if not record:
        return f"{path}: another run holds this cluster's lock"
    return (
        f"another run holds this cluster's lock: {record.get('purpose')} by {record.get('user')}, process {record.get('pid')} on "
        f"{record.get('host')}, since {record.get('since')}, at step: {record.get('step')}"
    )


def _hint(record: dict[str, Any]) -> str:
    if record.get("host") == socket.gethostname():
        return f"wait for it, or end it with: kill {record.get('pid')}"
    return "if that process is gone, run again with --break-lock"


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False

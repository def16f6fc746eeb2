"""Processes that outlive the command that started them, and are found again without doubt.

A pid file holds `PID START`, where START is the process's start time in clock ticks since boot (field 22 of /proc/PID/stat): a pid that was
given to another process in the meantime is never mistaken for ours.
"""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessRef:
    """A process that was there when this was made. Nothing is done to a process that has the pid but another start time."""

    pid: int
    start_ticks: int

    def alive(self) -> bool:
        """False for a zombie too: its work has ended."""
        stat = _stat(self.pid)
        return stat is not None and stat.start_ticks == self.start_ticks and stat.state not in "ZX"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when the process has ended already."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive():
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(descriptor)

    def wait(self, timeout_s: float) -> bool:
        """Whether the process ended within the time. It need not be a child of ours."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            deadline = time.monotonic() + timeout_s
            while self.alive():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                select.select([descriptor], [], [], left)
            return True
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class _Stat:
    parent: int
    state: str
    start_ticks: int


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name is in parentheses and may hold anything, so count from its end: state is field 3.
    fields = text.rpartition(")")[2].split()
    return _Stat(parent=int(fields[1]), state=fields[0], start_ticks=int(fields[19]))


def reference(pid: int) -> ProcessRef | None:
    """The process that has this pid now."""
    stat = _stat(pid)
    return ProcessRef(pid, stat.start_ticks) if stat else None


def read_pid_file(path: Path) -> ProcessRef | None:
    """The living process that a pid file stands for; None also for an unreadable file."""
    try:
        pid, start = path.read_text().split()
        found = ProcessRef(int(pid), int(start))
    except (OSError, ValueError):
        return None
    return found if found.alive() else None


def write_pid_file(path: Path, process: ProcessRef) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(f"{process.pid} {process.start_ticks}\n")
    temporary.replace(path)


def children(pid: int) -> list[ProcessRef]:
    """Direct children, in no particular order."""
    found = []
    for entry in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            pids = entry.read_text().split()
        except OSError:
            continue
        found += [child for text in pids if (child := reference(int(text)))]
    return found


def end(process: ProcessRef, *, grace_s: float) -> None:
    """Ask the process to end, insist after `grace_s` seconds, and return when it has ended."""
    process.signal(signal.SIGTERM)
    if not process.wait(grace_s):
        process.signal(signal.SIGKILL)
        process.wait(10.0)

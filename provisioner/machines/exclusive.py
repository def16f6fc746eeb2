"""One process at a time where labs share something of this computer: base images, bridges, the package cache."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from provisioner.machines.errors import MachineError

# The longest that anybody holds one of these locks: building a base image (20 minutes at most), and what follows it.
TIMEOUT_S = 1500.0
POLL_S = 0.05


@contextmanager
def exclusive(lock: Path, *, tell: Callable[[str], None] | None = None, timeout_s: float = TIMEOUT_S) -> Iterator[None]:
    """The lock ends with the process that holds it. `tell` is told once for whom is waited; MachineError when time is up."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        _take(file, lock, tell or (lambda line: None), timeout_s)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _take(file: IO[str], lock: Path, tell: Callable[[str], None], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    told = False
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        if time.monotonic() > deadline:
            raise MachineError(f"{lock} was not free within {timeout_s:.0f} s: {_holder(lock)} holds it", hint="wait for it, or end it")
        if not told:
            tell(f"waiting for {_holder(lock)}, which works on this computer's labs too (up to {timeout_s / 60:.0f} min)")
            told = True
        time.sleep(POLL_S)


def _holder(lock: Path) -> str:
    pid = lock.read_text().strip()
    return f"process {pid}" if pid else "another process"

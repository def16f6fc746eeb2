"""The second run is turned away and told by whom; a dead holder turns nobody away."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.cluster.errors import LockedError
from provisioner.cluster.lock import Lock

HOLD = """
import sys, time
from pathlib import Path
from provisioner.cluster.lock import Lock
with Lock(Path(sys.argv[1]), "up") as lock:
    lock.step("apply")
    print("held", flush=True)
    time.sleep(60)
"""


def test_second_is_told_holder_since_when_and_step(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 1, 1, 12, 0, tzinfo=datetime.UTC)
    with Lock(tmp_path / "lock", "up", now=lambda: moment) as lock:
        lock.step("apply: Certificates of etcd")
        with pytest.raises(LockedError) as caught, Lock(tmp_path / "lock", "destroy"):
            pass
    text = str(caught.value)
    assert f"up by {os.environ.get('USER', 'root')}" in text or "up by " in text
    assert f"process {os.getpid()}" in text
    assert "since 2026-01-01T12:00:00+00:00, at step: apply: Certificates of etcd" in text
    assert caught.value.exit_code == 3
    assert (tmp_path / "lock").stat().st_mode & 0o077 == 0


def test_released_lock_is_free(tmp_path: Path) -> None:
    for _ in range(2):
        with Lock(tmp_path / "lock", "up"):
            pass


def test_killed_holder_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=f"process {holder.pid}"), Lock(tmp_path / "lock", "up"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    with Lock(tmp_path / "lock", "up"):
        pass


def test_break_takes_it_over(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock", "up"), Lock(tmp_path / "lock", "up", break_it=True):
        pass

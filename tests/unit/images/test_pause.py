"""Proves that the assembled pause program runs, ends on SIGTERM and SIGINT, and reaps what it is given."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import time
from pathlib import Path

import pytest

from provisioner.images.pause import program

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the program is x86-64 code; elsewhere the image holds busybox")


@pytest.fixture
def pause(tmp_path: Path) -> Path:
    path = tmp_path / "pause"
    path.write_bytes(program())
    path.chmod(0o755)
    return path


def wait_until_waiting(pid: int) -> None:
    """The program has reached its loop when it is in rt_sigtimedwait, system call 128."""
    deadline = time.monotonic() + 5
    while not Path(f"/proc/{pid}/syscall").read_text().startswith("128 "):
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_with_zero_on_request(pause: Path, number: signal.Signals) -> None:
    process = subprocess.Popen([pause])
    wait_until_waiting(process.pid)
    process.send_signal(number)
    assert process.wait(5) == 0


def test_reaps_children(pause: Path) -> None:
    # The shell starts children that outlive it as the same process: exec keeps the pid and with it the children.
    process = subprocess.Popen(["/bin/sh", "-c", f"sleep 0.05 & sleep 0.1 & exec {pause}"])
    wait_until_waiting(process.pid)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().strip():
        assert time.monotonic() < deadline, "a child was not reaped"
        time.sleep(0.01)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(5) == 0


def test_is_small() -> None:
    assert len(program()) < 300

"""Proves that who waits for another process says so, and gives up in the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.machines.errors import MachineError
from provisioner.machines.exclusive import exclusive

HOLD = """
import sys
from pathlib import Path
from provisioner.machines.exclusive import exclusive
with exclusive(Path(sys.argv[1])):
    print(flush=True)
    sys.stdin.readline()
"""


def test_a_free_lock_is_taken_in_silence_and_again(tmp_path: Path) -> None:
    told: list[str] = []
    for _ in range(2):
        with exclusive(tmp_path / "new" / "lock", tell=told.append):
            assert (tmp_path / "new" / "lock").read_text() == str(os.getpid())
    assert told == []


def test_the_wait_names_the_holder_and_ends_with_it(tmp_path: Path) -> None:
    lock, told = tmp_path / "lock", list[str]()
    with subprocess.Popen([sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdin
        holder.stdout.readline()
        with pytest.raises(MachineError, match=f"not free within 0 s: process {holder.pid} holds it"), exclusive(lock, timeout_s=0.01):
            raise AssertionError("two at once")

        def end(line: str) -> None:
            told.append(line)
            holder.kill()

        with exclusive(lock, tell=end):
            assert told == [f"waiting for process {holder.pid}, which works on this computer's labs too (up to 25 min)"]

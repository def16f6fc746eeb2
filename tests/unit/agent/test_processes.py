"""Proves commands of modules: output bounded in memory, input that nobody reads, background children that hold pipes, and interruption."""

from __future__ import annotations

import os
import selectors
import signal
import time
from pathlib import Path

import pytest

from provisioner.agent import processes


def test_output_over_the_limit_loses_its_middle() -> None:
    text = "import sys; sys.stdout.write('a' * 100_000 + 'b' * 100_000)"
    code, out, errors = processes.run(["python3", "-c", text], limit=1000)
    assert (code, errors) == (0, "")
    assert out.startswith("a" * 500 + "\n... ") and out.endswith("b" * 500) and "199000 bytes left out" in out


def test_input_is_given_and_may_be_left_unread() -> None:
    assert processes.run(["cat"], data=b"x" * 300_000)[1] == "x" * 300_000
    assert processes.run(["true"], data=b"x" * 300_000)[0] == 0
    assert processes.run(["cat"]) == (0, "", "")


def test_a_signal_is_a_negative_code() -> None:
    assert processes.run(["sh", "-c", "kill -TERM $$"])[0] == -signal.SIGTERM


def test_a_background_child_does_not_hold_the_command_up(tmp_path: Path) -> None:
    began = time.monotonic()
    code, out, _ = processes.run(["sh", "-c", f"sleep 20 & echo $! > {tmp_path / 'pid'}; echo done"])
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert (code, out) == (0, "done\n") and time.monotonic() - began < 10


def test_what_is_said_last_is_read_however_late_we_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a busy computer: between a wait that brought nothing and the next look, the command says all that it has to say and ends."""

    class Late(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            found = super().select(timeout)
            if not found:
                os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            return found

    monkeypatch.setattr(selectors, "DefaultSelector", Late)
    assert processes.run(["sh", "-c", "sleep 0.4; echo late; echo too >&2"]) == (0, "late\n", "too\n")


def test_what_interrupts_the_waiting_ends_all_that_was_started(tmp_path: Path) -> None:
    class Cut(BaseException):
        pass

    def cut(number: int, frame: object) -> None:
        raise Cut

    old = signal.signal(signal.SIGALRM, cut)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(Cut):
            processes.run(["sh", "-c", f"sleep 60 & echo $! > {tmp_path / 'pid'}; wait"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    child = Path("/proc", (tmp_path / "pid").read_text().strip())
    deadline = time.monotonic() + 5
    while child.exists() and "Z" not in (child / "stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.01)


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        processes.run(["/nothing/like/this"])

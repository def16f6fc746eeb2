"""Proves that a pid file finds its own process and never another one that was given the same pid."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.machines.processes import ProcessRef, children, end, read_pid_file, reference, write_pid_file


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_found_again_by_its_file(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    process = reference(sleeper.pid)
    assert process is not None and process.alive()
    write_pid_file(tmp_path / "pid", process)
    assert read_pid_file(tmp_path / "pid") == process


def test_another_process_with_the_same_pid_is_not_ours(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(f"{sleeper.pid} 12345\n")
    assert read_pid_file(tmp_path / "pid") is None
    ProcessRef(sleeper.pid, 12345).signal(signal.SIGKILL)
    assert sleeper.poll() is None


@pytest.mark.parametrize("text", ["", "no number", "1 2 3"])
def test_a_damaged_file_means_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert read_pid_file(tmp_path / "pid") is None
    assert read_pid_file(tmp_path / "absent") is None


def test_end_asks_first_and_then_insists() -> None:
    polite = subprocess.Popen(["sleep", "60"])
    stubborn = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 60; done"], stdout=subprocess.PIPE)
    assert stubborn.stdout is not None
    assert stubborn.stdout.readline() == b"ready\n"
    for process in (polite, stubborn):
        found = reference(process.pid)
        assert found is not None
        orphans = children(process.pid)
        end(found, grace_s=0.1)
        assert not found.alive()
        for orphan in orphans:
            orphan.signal(signal.SIGKILL)
    assert polite.wait() == -signal.SIGTERM
    assert stubborn.wait() == -signal.SIGKILL
    stubborn.stdout.close()


def test_wait_says_whether_it_ended(sleeper: subprocess.Popen[bytes]) -> None:
    process = reference(sleeper.pid)
    assert process is not None
    assert not process.wait(0.01)
    sleeper.kill()
    assert process.wait(5.0)
    sleeper.wait()
    process.signal(signal.SIGTERM)  # nothing happens
    assert process.wait(0.0)


def test_children_are_direct_ones() -> None:
    process = subprocess.Popen(["/bin/sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    found = children(process.pid)
    assert [one.pid for one in found] == [child]
    found[0].signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

"""Proves that a tool's failure becomes one error with its command, exit code and last lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.machines.commands import require, run
from provisioner.machines.errors import CommandError, RequirementError


def test_output_of_both_streams_comes_back() -> None:
    assert run(["/bin/sh", "-c", "echo out; echo err >&2"]).stdout.splitlines() == ["out", "err"]


def test_a_failure_carries_the_last_lines() -> None:
    with pytest.raises(CommandError) as caught:
        run(["/bin/sh", "-c", "seq 1 20; exit 3"])
    assert caught.value.code == 3
    assert "ended with 3" in str(caught.value)
    assert "| 20" in str(caught.value) and "| 12\n" not in str(caught.value)


def test_a_log_file_is_quoted_too(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the reason"):
        run(["/bin/sh", "-c", "echo the reason; exit 1"], log=tmp_path / "log")
    assert (tmp_path / "log").read_text() == "the reason\n"


def test_a_deadline_ends_the_wait() -> None:
    with pytest.raises(CommandError, match="did not end in time") as caught:
        run(["sleep", "60"], timeout_s=0.05)
    assert caught.value.code is None


def test_a_missing_tool_is_a_requirement() -> None:
    with pytest.raises(RequirementError, match="no-such-tool"):
        run(["no-such-tool"])
    with pytest.raises(RequirementError, match="alpha-tools beta-tools"):
        require({"no-such-beta": "beta-tools", "no-such-alpha": "alpha-tools", "sh": "dash"})


def test_what_computes_for_minutes_ends_with_this_program() -> None:
    """Also when that is killed, which gives it no time to end anything itself. A pipe tells it: read to its end when no writer is left."""
    begin = "from provisioner.machines.commands import WITH_US, run\n"
    child = "run([*WITH_US, '/bin/sh', '-c', 'echo begun > /proc/$PPID/fd/1; exec sleep 60 > /proc/$PPID/fd/1'], timeout_s=60)"
    with subprocess.Popen([sys.executable, "-c", begin + child], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.kill()
        assert process.stdout.read() == ""

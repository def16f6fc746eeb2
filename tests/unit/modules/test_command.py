"""Proves command and shell: what they run and answer, creates and removes, check mode, and the messages for what can't be run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call


@pytest.mark.parametrize(
    ("by", "args", "cmd", "out"),
    [
        ("command", {"_raw_params": "echo 'a b' -c"}, ["echo", "a b", "-c"], "a b -c"),
        ("command", {"_raw_params": "echo a | cat"}, ["echo", "a", "|", "cat"], "a | cat"),
        ("command", {"cmd": "printf %s ü"}, ["printf", "%s", "ü"], "ü"),
        ("command", {"argv": ["printf", "%s|", "x y", "", "-n", "a\nb"]}, ["printf", "%s|", "x y", "", "-n", "a\nb"], "x y||-n|a\nb|"),
        ("command", {"argv": ["echo", "$NO_SUCH_THING"]}, ["echo", "$NO_SUCH_THING"], "$NO_SUCH_THING"),
        ("command", {"_raw_params": "cat", "stdin": "hello"}, ["cat"], "hello"),
        ("command", {"_raw_params": "cat", "stdin": "hello", "stdin_add_newline": False}, ["cat"], "hello"),
        ("command", {"_raw_params": "printf 'a\\n\\n'", "strip_empty_ends": False}, ["printf", "a\\n\\n"], "a\n\n"),
        ("shell", {"_raw_params": "echo a | tr a b; echo c"}, "echo a | tr a b; echo c", "b\nc"),
        ("shell", {"_raw_params": "echo $BASH_VERSION | cut -c1", "executable": "/bin/bash"}, "echo $BASH_VERSION | cut -c1", "5"),
    ],
)
def test_what_runs(call: Call, by: str, args: dict[str, Any], cmd: Any, out: str) -> None:
    result = call(by, args)
    assert (result["changed"], result["rc"], result["cmd"], result["stdout"]) == (True, 0, cmd, out)
    assert result["stdout_lines"] == out.splitlines() and result["msg"] == "" and result["delta"].startswith("0:00:0")


def test_a_failing_command_is_a_result_with_its_output(call: Call) -> None:
    result = call("shell", {"_raw_params": "echo out; echo err >&2; exit 3"})
    assert result["failed"] is True and result["msg"] == "non-zero return code"
    assert (result["rc"], result["stdout"], result["stderr"], result["stderr_lines"]) == (3, "out", "err", ["err"])


def test_creates_and_removes(call: Call, tmp_path: Path) -> None:
    here, gone = tmp_path / "here", tmp_path / "gone"
    here.touch()
    skipped = call("command", {"_raw_params": "false", "creates": str(tmp_path / "h*e")})
    assert (skipped["changed"], skipped["rc"], skipped["stdout"]) == (False, 0, f"skipped, since {tmp_path}/h*e exists")
    assert skipped["msg"] == f"Did not run command since '{tmp_path}/h*e' exists"
    assert call("command", {"_raw_params": "false", "removes": str(gone)})["stdout"] == f"skipped, since {gone} does not exist"
    assert call("command", {"_raw_params": "true", "removes": str(here)})["changed"] is True


def test_check_mode_runs_nothing(call: Call, tmp_path: Path) -> None:
    made = tmp_path / "made"
    plain = call("command", {"argv": ["touch", str(made)]}, check=True)
    assert (plain["skipped"], plain["changed"], plain["msg"]) == (True, False, "Command would have run if not in check mode")
    would = call("command", {"argv": ["touch", str(made)], "creates": str(made)}, check=True)
    assert (would["changed"], "skipped" in would) == (True, False)
    assert not made.exists()


def test_chdir(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    folder = tmp_path / "a folder"
    folder.mkdir()
    assert call("command", {"_raw_params": "pwd", "chdir": str(folder)})["stdout"] == str(folder)
    failed = call("command", {"_raw_params": "pwd", "chdir": str(tmp_path / "no")})
    assert (
        failed["failed"] is True and failed["msg"] == "Unable to change directory before execution." and "[Errno 2]" in failed["exception"]
    )
    assert (failed["rc"], failed["cmd"]) == (None, ["pwd"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "one of the following is required: _raw_params, cmd, argv"),
        ({"_raw_params": "a", "argv": ["b"]}, "parameters are mutually exclusive: _raw_params|cmd|argv"),
        ({"_raw_params": "  "}, "no command given"),
        ({"_raw_params": "echo 'a"}, "No closing quotation"),
        ({"_raw_params": "no-such-program"}, "Error executing command."),
        ({"_raw_params": "true", "creats": "x"}, "Unsupported parameters for (ansible.legacy.command) module: creats"),
    ],
)
def test_messages(call: Call, args: dict[str, Any], message: str) -> None:
    result = call("command", args)
    assert result["failed"] is True and message in result["msg"]

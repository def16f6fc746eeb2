"""Results of `run` read as those of Ansible's ad hoc command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from provisioner.cli.adhoc_output import AdhocOutput, text
from provisioner.cli.run import command
from provisioner.engine.events import HostDone
from provisioner.engine.results import Status

RAISED = "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: "
RAN = {"rc": 0, "stdout": "a\nb", "stderr": "", "msg": "", "changed": True, "failed": False}


@pytest.mark.parametrize(
    ("action", "status", "result", "one_line", "shown"),
    [
        ("command", Status.CHANGED, RAN, False, "h | CHANGED | rc=0 >>\na\nb"),
        ("command", Status.CHANGED, RAN, True, "h | CHANGED | rc=0 | (stdout) a\\nb"),
        ("shell", Status.FAILED, {**RAN, "rc": 3, "stderr": "e", "msg": "non-zero return code"}, False, "h | FAILED | rc=3 >>\na\nbenon-zero return code"),
        ("command", Status.SKIPPED, {"rc": 0, "skipped": True}, False, "h | SKIPPED"),
        ("script", Status.CHANGED, {"rc": 0, "stdout": "a"}, True, 'h | CHANGED => {"rc": 0,"stdout": "a"}'),
        ("ping", Status.OK, {"ping": "pong", "changed": False, "failed": False}, True, 'h | SUCCESS => {"changed": false,"ping": "pong"}'),
        ("debug", Status.OK, {"msg": "hi", "changed": False, "_ansible_verbose_always": True}, False, 'h | SUCCESS => {\n    "msg": "hi"\n}'),
        ("fail", Status.FAILED, {"msg": "no", "failed": True, "exception": "T\nE: x"}, True, f'{RAISED}E: x\nh | FAILED! => {{"msg": "no"}}'),
        ("fail", Status.FAILED, {"msg": "no", "failed": True, "changed": False}, False, 'h | FAILED! => {\n    "changed": false,\n    "msg": "no"\n}'),
        ("debug", Status.OK, {"msg": "hi", "changed": False, "_ansible_verbose_always": True}, True, 'h | SUCCESS => {    "changed": false,    "msg": "hi"}'),
        ("command", Status.FAILED, {"msg": "no such variable", "failed": True}, False, "h | FAILED | rc=-1 >>\nno such variable"),
        ("command", Status.CHANGED, {"results": [], "changed": True, "msg": "All"}, True, "h | CHANGED | rc=-1 | (stdout) "),
        ("ping", Status.UNREACHABLE, {"msg": "gone", "unreachable": True}, True, "h | UNREACHABLE!: gone"),
    ],
)  # fmt: skip
def test_words(action: str, status: Status, result: dict[str, Any], one_line: bool, shown: str) -> None:
    assert text("h", action, status, result, one_line) == shown


def test_hosts_are_listed_and_a_command_needs_words() -> None:
    listed = CliRunner().invoke(command, ["all:!b", "-i", "a,b,c", "--list-hosts"], standalone_mode=False)
    assert listed.output == "  hosts (2):\n    a\n    c\n"
    assert CliRunner().invoke(command, ["all", "-i", "a,"]).exit_code == 5


def test_patterns_that_match_nobody_are_told_of() -> None:
    listed = CliRunner().invoke(command, ["nobody", "-i", "a,", "--list-hosts"], standalone_mode=False)
    assert (
        listed.stderr == "[WARNING]: Could not match supplied host pattern, ignoring: nobody\n[WARNING]: No hosts matched, nothing to do\n"
    )
    limited = CliRunner().invoke(command, ["all", "-m", "ping", "-i", "a,", "-l", "nobody"])
    assert limited.exit_code == 1
    assert limited.stderr.startswith("[WARNING]: Could not match supplied host pattern, ignoring: nobody\n")
    strict = CliRunner().invoke(command, ["a:b", "-i", "a,", "--list-hosts"], env={"ANSIBLE_HOST_PATTERN_MISMATCH": "error"})
    assert strict.exit_code == 1 and "Could not match supplied host pattern, ignoring: b" in strict.stderr


def test_a_failure_is_explained_once_and_files_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = AdhocOutput(origin="{'action': 'ping'}", tree=tmp_path / "tree")
    for host in "ab":
        output(HostDone(host, "ping", "ping", 1, Status.FAILED, {"msg": "no", "failed": True}))
    shown = capsys.readouterr().out
    assert shown.startswith(
        "[ERROR]: Task failed: Module failed: no\nOrigin: <adhoc 'ping' task>\n\n{'action': 'ping'}\n\na | FAILED! => {"
    )
    assert shown.count("[ERROR]") == 1
    assert [(tmp_path / "tree" / host).read_text() for host in "ab"] == ['{"msg": "no"}'] * 2


def test_files_that_change_show_how(capsys: pytest.CaptureFixture[str]) -> None:
    result = {"changed": True, "diff": [{"before": "", "after": "x\n"}]}
    AdhocOutput()(HostDone("a", "copy", "copy", 1, Status.CHANGED, result))
    assert capsys.readouterr().out.startswith("--- before\n+++ after\n@@ -0,0 +1 @@\n+x\n\na | CHANGED => {")


def test_files_are_found_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.txt").write_text("1")
    words = ["localhost", "-i", "localhost,", "-c", "local", "-m", "debug", "-a", "msg={{ lookup('file', 'one.txt') }}"]
    assert '"msg": "1"' in CliRunner().invoke(command, words, standalone_mode=False).output
    unknown = CliRunner().invoke(command, ["localhost", "-i", "localhost,", "-m", "nosuch"], standalone_mode=False)
    assert (
        unknown.return_value == 2
        and "Cannot resolve 'nosuch' to an action or module." in unknown.output
        and "/run.yaml" not in unknown.output
    )

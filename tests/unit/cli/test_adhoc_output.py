"""Results of `run` read as those of Ansible's ad hoc command."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from provisioner.cli.adhoc_output import text
from provisioner.cli.run import command
from provisioner.engine.results import Status

RAN = {"rc": 0, "stdout": "a\nb", "stderr": "", "msg": "", "changed": True, "failed": False}


@pytest.mark.parametrize(
    ("action", "status", "result", "one_line", "shown"),
    [
        ("command", Status.CHANGED, RAN, False, "h | CHANGED | rc=0 >>\na\nb"),
        ("command", Status.CHANGED, RAN, True, "h | CHANGED | rc=0 | (stdout) a\\nb"),
        ("shell", Status.FAILED, {**RAN, "rc": 3, "stderr": "e", "msg": "non-zero return code"}, False, "h | FAILED | rc=3 >>\na\nbenon-zero return code"),
        ("command", Status.SKIPPED, {"rc": 0, "skipped": True}, False, "h | SKIPPED"),
        ("ping", Status.OK, {"ping": "pong", "changed": False, "failed": False}, True, 'h | SUCCESS => {"changed": false,"ping": "pong"}'),
        ("debug", Status.OK, {"msg": "hi", "changed": False, "_ansible_verbose_always": True}, False, 'h | SUCCESS => {\n    "msg": "hi"\n}'),
        ("fail", Status.FAILED, {"msg": "no", "failed": True, "changed": False}, True, 'h | FAILED! => {"changed": false,"msg": "no"}'),
    ],
)  # fmt: skip
def test_words(action: str, status: Status, result: dict[str, Any], one_line: bool, shown: str) -> None:
    assert text("h", action, status, result, one_line) == shown


def test_hosts_are_listed_and_a_command_needs_words() -> None:
    listed = CliRunner().invoke(command, ["all:!b", "-i", "a,b,c", "--list-hosts"], standalone_mode=False)
    assert listed.output == "  hosts (2):\n    a\n    c\n"
    assert CliRunner().invoke(command, ["all", "-i", "a,"]).exit_code == 5

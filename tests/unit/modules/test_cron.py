"""Proves cron: where jobs and variables go, that a second run changes nothing, check mode and diff, and its messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.arguments import checked
from provisioner.modules import cron
from tests.module_calls import Call

JOB = ["#Ansible: one", "5 2 * * * ls"]
CASES: list[tuple[list[str], dict[str, Any], list[str]]] = [
    ([], {"name": "one", "minute": "5", "hour": "2", "job": "ls"}, JOB),
    (JOB, {"name": "one", "minute": "5", "hour": "2", "job": "ls"}, JOB),
    (JOB, {"name": "one", "job": "ls", "special_time": "daily"}, ["#Ansible: one", "@daily ls"]),
    (JOB, {"name": "one", "job": "ls", "disabled": True}, ["#Ansible: one", "#* * * * * ls"]),
    (JOB, {"name": "two", "job": "x\n", "dow": "1", "dom": "2"}, [*JOB, "#Ansible: two", "* * 2 * 1 x"]),
    ([*JOB, "# tail"], {"name": "one", "state": "absent"}, ["# tail"]),
    (["5 2 * * * ls"], {"name": "one", "minute": "5", "hour": "2", "job": "ls"}, JOB),
    (JOB, {"name": "PATH", "env": True, "value": "/bin"}, ['PATH="/bin"', *JOB]),
    (["A=1", *JOB], {"name": "B", "env": True, "job": "2", "insertafter": "A"}, ["A=1", 'B="2"', *JOB]),
    (["A=1", *JOB], {"name": "B", "env": True, "job": "2", "insertbefore": "A"}, ['B="2"', "A=1", *JOB]),
    (["A=1", *JOB], {"name": "A", "env": True, "job": "2"}, ['A="2"', *JOB]),
    (["A=1", *JOB], {"name": "A", "env": True, "state": "absent"}, JOB),
]


@pytest.mark.parametrize(("before", "args", "after"), CASES)
def test_lines(before: list[str], args: dict[str, Any], after: list[str]) -> None:
    given = checked(cron.ARGUMENTS, args, "cron")
    made, _ = cron.changed_lines(before, given)
    assert made == after
    assert cron.changed_lines(made, given)[0] == after


def test_a_file_first_changes_then_does_not(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    args = {"name": "j", "job": "true", "user": "root", "cron_file": str(path)}
    checked_only = call("cron", args, check=True, diff=True)
    assert checked_only["changed"] and not path.exists()
    first = call("cron", {**args, "backup": True}, diff=True)
    assert path.read_text() == "#Ansible: j\n* * * * * root true\n"
    assert first["diff"] == checked_only["diff"] == {
        "before": "", "after": path.read_text(), "before_header": str(path), "after_header": str(path),
    }  # fmt: skip
    assert (first["jobs"], first["envs"], first["cron_file"]) == (["j"], [], str(path))
    assert Path(first["backup_file"]).read_text() == ""
    Path(first["backup_file"]).unlink()
    again = call("cron", args, diff=True)
    assert again == {"changed": False, "jobs": ["j"], "envs": [], "cron_file": str(path)}


@pytest.mark.parametrize(
    ("args", "msg"),
    [
        ({"name": "x"}, "You must specify 'job' to install a new cron job or variable"),
        ({"name": "x", "job": "a", "cron_file": "f"}, "To use cron_file=... parameter you must specify user=... as well"),
        (
            {"name": "x", "job": "a", "special_time": "daily", "minute": "2"},
            "You cannot combine special_time with any of the time or day/date parameters.",
        ),
        ({"name": "x", "job": "a", "insertafter": "y"}, "Insertafter and insertbefore parameters are valid only with env=yes"),
        ({"name": "a b", "job": "a", "env": True}, "Invalid name for environment variable"),
        (
            {"name": "x", "job": "a", "special_time": "never"},
            "value of special_time must be one of: reboot, yearly, annually, monthly, weekly, daily, hourly, got: never",
        ),
    ],
)
def test_messages(call: Call, args: dict[str, Any], msg: str) -> None:
    result = call("cron", args)
    assert (result["failed"], result["msg"]) == (True, msg)


def test_a_variable_that_is_not_there(call: Call, tmp_path: Path) -> None:
    args = {"name": "B", "env": True, "job": "1", "insertafter": "A", "user": "root", "cron_file": str(tmp_path / "f")}
    assert call("cron", args)["msg"] == "Variable named 'A' not found."


@pytest.mark.parametrize(
    ("lines", "stays"), [(JOB, False), ([*JOB, "", " "], False), ([*JOB, "# by hand"], True)], ids=["alone", "blanks", "more"]
)
def test_a_file_goes_with_its_last_entry(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], stays: bool
) -> None:
    monkeypatch.setattr(cron, "FOLDER", str(tmp_path))
    file = tmp_path / "jobs"
    file.write_text("\n".join(lines) + "\n")
    args = {"name": "one", "cron_file": "jobs", "state": "absent"}
    would = call("cron", args, check=True, diff=True)
    assert would["changed"] and file.exists() and would["diff"]["after_header"] == (str(file) if stays else "/dev/null")
    told = call("cron", args)
    more: dict[str, Any] = {"jobs": [], "envs": []} if stays else {"state": "absent", "diff": {}}
    assert told == {"changed": True, "cron_file": "jobs", **more}
    assert file.exists() == stays

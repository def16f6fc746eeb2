"""Proves group: the program and its arguments for what is and what is wanted, check mode, a group that is so already."""

from __future__ import annotations

import grp
from typing import Any

import pytest

from provisioner.agent.arguments import checked
from provisioner.modules import group
from tests.module_calls import Call


@pytest.mark.parametrize(
    ("name", "args", "command"),
    [
        ("new", {}, "groupadd new"),
        ("new", {"gid": 7, "non_unique": True, "system": True}, "groupadd -g 7 -o -r new"),
        ("new", {"gid_min": 5, "gid_max": 9}, "groupadd -K GID_MIN=5 -K GID_MAX=9 new"),
        ("new", {"local": True}, "lgroupadd new"),
        ("new", {"state": "absent"}, ""),
        ("daemon", {}, ""),
        ("daemon", {"gid": 1}, ""),
        ("daemon", {"gid": 70}, "groupmod -g 70 daemon"),
        ("daemon", {"state": "absent", "force": True}, "groupdel -f daemon"),
    ],
)
def test_commands(call: Call, name: str, args: dict[str, Any], command: str) -> None:
    given = checked(group.ARGUMENTS, {"name": name, **args}, "group")
    assert " ".join(group._command(given, group.find(name))) == command
    assert call("group", {"name": name, **args}, check=True)["changed"] is bool(command)


def test_one_that_is_so_already(call: Call) -> None:
    found = grp.getgrnam("daemon")
    assert call("group", {"name": "daemon"}) == {
        "name": "daemon", "state": "present", "changed": False, "system": False, "gid": found.gr_gid,
    }  # fmt: skip


def test_a_check_tells_of_a_group_that_is_there(call: Call) -> None:
    found = grp.getgrnam("daemon")
    assert call("group", {"name": "daemon", "gid": found.gr_gid + 70}, check=True) == {
        "name": "daemon", "state": "present", "changed": True, "system": False, "gid": found.gr_gid,
    }  # fmt: skip
    assert call("group", {"name": "daemon", "state": "absent"}, check=True) == {"changed": True}

"""Proves what reboot runs on a host, what it waits for, and what it says where the host has no such program, refuses, or never comes back."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.engine.actions import reboot
from provisioner.engine.errors import TaskError


@dataclass
class Host:
    """A shell that boots anew when it is told to go down; `programs` are the files it has."""

    programs: list[str]
    boots: int = 1
    down_rc: int = 0
    test_rc: int = 0
    returns: bool = True
    ran: list[str] = field(default_factory=list)

    def raw(self, command: str, become: Any, timeout_s: float) -> Any:
        rc, out, err = 0, "", ""
        if command.startswith("for p in "):
            places = command[len("for p in ") : command.index(";")].split()
            out = next((path for path in places if path in self.programs), "")
        elif command == reboot._BOOT_ID:
            out = f"boot {self.boots}\n"
        elif command == "broken":
            rc, err = 127, "broken: not found\n"
        elif command in ("whoami", "check"):
            rc = self.test_rc
        else:
            self.ran.append(command)
            rc, err = self.down_rc, "no" if self.down_rc else ""
            self.boots += self.returns
        return SimpleNamespace(rc=rc, stdout=out, stderr=err)


def call(host: Host, args: dict[str, Any]) -> Any:
    stop = threading.Event()
    state = SimpleNamespace(store=SimpleNamespace(facts_gathered=object()))
    run = SimpleNamespace(targets=SimpleNamespace(forget=lambda target: None), stop=stop)
    return SimpleNamespace(
        args=args, check=False, session=host, become=None, run=run, state=state, target=state, known=lambda *names: None
    )  # fmt: skip


@pytest.mark.parametrize(
    ("args", "command"),
    [
        ({}, "/sbin/shutdown -r +0 'Reboot initiated by Ansible'"),
        ({"msg": "it's time", "pre_reboot_delay": 119}, "/sbin/shutdown -r +1 'it'\"'\"'s time'"),
        ({"reboot_command": "/opt/down now"}, "/opt/down now"),
        ({"reboot_command": "molly -x 'a b'", "search_paths": "/lib/molly-guard"}, "/lib/molly-guard/molly -x 'a b'"),
        ({"search_paths": ["/nowhere", "/usr/sbin"]}, "/usr/sbin/shutdown -r +0 'Reboot initiated by Ansible'"),
    ],
)
def test_what_goes_down(args: dict[str, Any], command: str) -> None:
    host = Host(["/sbin/shutdown", "/usr/sbin/shutdown", "/lib/molly-guard/molly"])
    told = reboot.plan(call(host, args))
    assert (told["changed"], told["rebooted"], host.ran) == (True, True, [command])


@pytest.mark.parametrize(
    ("args", "host", "said", "ran"),
    [
        (
            {"reboot_command": "no_such -x"},
            {},
            "Task failed: Unable to find command \"no_such\" in search paths: ['/sbin', '/bin', '/usr/sbin', '/usr/bin', '/usr/local/sbin']",
            0,
        ),
        ({"search_paths": [1]}, {}, "'search_paths' must be a string or flat list of strings, got [1]", 0),
        ({"boot_time_command": "broken"}, {}, "reboot: failed to get host boot time info, rc: 127, stdout: , stderr: broken: not found", 0),
        ({}, {"down_rc": 1}, "Reboot command failed. Error was: ', no'", 1),
        ({"reboot_timeout": 0}, {"returns": False}, "Timed out waiting for last boot time check (timeout=0)", 1),
        ({"reboot_timeout": 0, "test_command": "check"}, {"test_rc": 1}, "Timed out waiting for post-reboot test command (timeout=0)", 1),
    ],
)
def test_what_goes_wrong(args: dict[str, Any], host: dict[str, Any], said: str, ran: int) -> None:
    made = Host(["/sbin/shutdown"], **host)
    with pytest.raises(TaskError) as raised:
        reboot.plan(call(made, args))
    assert (str(raised.value), len(made.ran)) == (said, ran)

"""Proves what systemd does with units that are in every state, on a stand-in for systemctl that keeps them in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.modules.systemd import parsed
from tests.module_calls import Call

# A unit is a file with its active state; beside it NAME.on where it is enabled, NAME.off where it is masked.
SYSTEMCTL = """#!/bin/sh
cd {folder}
echo "$@" >> calls
while [ "${{1#--}}" != "$1" ]; do shift; done
case "$1" in
show)
    [ -e broken ] && exit 1
    [ -e "$2.off" ] && echo LoadState=masked && exit
    [ -e "$2" ] || {{ echo LoadState=not-found; echo ActiveState=inactive; exit; }}
    echo LoadState=loaded; echo "ActiveState=$(cat "$2")";;
is-enabled)
    [ -e "$2.off" ] && echo masked && exit 1
    [ -e "$2.on" ] && cat "$2.on" && exit
    [ -e "$2" ] && echo disabled || echo "Failed to get unit file state" >&2; exit 1;;
list-unit-files) [ -e "$2" ];;
mask) touch "$2.off";;
unmask) rm "$2.off";;
enable) echo enabled > "$2.on";;
disable) rm "$2.on";;
start|restart|reload) [ "$(cat "$2")" != failing ] || {{ echo "it does not" >&2; exit 1; }}; echo active > "$2";;
stop) echo inactive > "$2";;
daemon-reload|daemon-reexec) [ ! -e broken ] || {{ echo nobody there >&2; exit 1; }};;
*) echo "not booted with systemd" >&2; exit 1;;
esac
"""


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "systemctl").write_text(SYSTEMCTL.format(folder=tmp_path))
    (programs / "journalctl").write_text("#!/bin/sh\necho what it said\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.delenv("SYSTEMD_OFFLINE", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("before", "state", "verb", "told"),
    [
        ("inactive", "started", "start", "started"),
        ("active", "started", None, "started"),
        ("activating", "started", None, "started"),
        ("active", "stopped", "stop", "stopped"),
        ("inactive", "stopped", None, "stopped"),
        ("deactivating", "stopped", "stop", "stopped"),
        ("active", "restarted", "restart", "started"),
        ("inactive", "restarted", "start", "started"),
        ("active", "reloaded", "reload", "started"),
        ("inactive", "reloaded", "start", "started"),
    ],
)
def test_states(call: Call, units: Path, before: str, state: str, verb: str | None, told: str) -> None:
    (units / "a").write_text(before)
    checked = call("systemd", {"name": "a", "state": state}, check=True)
    assert (checked["changed"], (units / "a").read_text()) == (verb is not None, before)
    result = call("systemd", {"name": "a", "state": state})
    assert (result["changed"], result["state"], result["name"], result["status"]["ActiveState"]) == (verb is not None, told, "a", before)
    done = [line for line in (units / "calls").read_text().splitlines() if line.split()[0] not in ("show", "is-enabled")]
    assert done == ([f"{verb} a"] if verb else [])


@pytest.mark.parametrize(
    ("now", "wanted", "changed"),
    [
        (None, True, True),
        ("enabled", True, False),
        ("indirect", True, True),
        ("static", True, False),
        ("enabled", False, True),
        (None, False, False),
    ],
)
def test_enabling(call: Call, units: Path, now: str | None, wanted: bool, changed: bool) -> None:
    (units / "a").write_text("active")
    if now:
        (units / "a.on").write_text(now + "\n")
    result = call("systemd", {"name": "a", "enabled": wanted})
    assert (result["changed"], result["enabled"]) == (changed, wanted)
    assert call("systemd", {"name": "a", "enabled": wanted})["changed"] is False


def test_masking_needs_no_unit(call: Call, units: Path) -> None:
    assert call("systemd", {"name": "later", "masked": True})["changed"] is True
    assert call("systemd", {"name": "later", "masked": True})["changed"] is False
    assert call("systemd", {"name": "later", "masked": False})["changed"] is True


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"state": "started"}, "missing parameter(s) required by 'state': name"),
        ({"name": "no*", "state": "started"}, "This module does not currently support using glob patterns, found '*' in service name: no*"),
        ({"name": "no", "state": "started"}, "Could not find the requested service no: host"),
        ({"name": "no", "enabled": True}, "Could not find the requested service no: host"),
        ({"name": "bad", "state": "started"}, "Unable to start service bad: it does not\n"),
    ],
)
def test_messages(call: Call, units: Path, args: dict[str, Any], said: str) -> None:
    (units / "bad").write_text("failing")
    result = call("systemd", args)
    assert (result["failed"], result["msg"]) == (True, said)


def test_a_unit_that_does_not_start_shows_its_journal(call: Call, units: Path) -> None:
    (units / "bad").write_text("failing")
    assert call("systemd", {"name": "bad", "state": "started"})["journal"] == ["what it said"]


def test_where_systemd_does_not_run(call: Call, units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (units / "broken").touch()
    (units / "a").write_text("active")
    monkeypatch.setattr("provisioner.modules.systemd._offline", lambda: False)
    assert call("systemd", {"name": "a", "enabled": True})["changed"] is True
    assert call("systemd", {"name": "a", "state": "started"})["msg"] == "Service is in unknown state"
    assert call("systemd", {"daemon_reload": True})["msg"] == "failure 1 during daemon-reload: nobody there\n"
    monkeypatch.setattr("provisioner.modules.systemd._offline", lambda: True)
    assert "Target is a chroot" in call("systemd", {"name": "a", "state": "started"})["warnings"][0]
    assert "Continuing" in call("systemd", {"daemon_reload": True})["warnings"][0]


def test_commands_of_several_lines() -> None:
    assert parsed("Id=a\nExecStart={ path=/x ;\n more=1 }\nExecStop={ path=/y }\nState=on\nno sign\n") == {
        "Id": "a",
        "ExecStart": "{ path=/x ;\n more=1 }",
        "ExecStop": "{ path=/y }",
        "State": "on",
    }

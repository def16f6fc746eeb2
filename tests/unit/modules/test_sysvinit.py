"""Proves sysvinit with a script and links of the test's own: states, enabling by level, the second run, check mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.modules import sysvinit

SCRIPT = """#!/bin/sh
here=$(dirname "$0")/../running
case "$1" in
start) touch "$here"; echo started $2;;
stop) rm -f "$here"; echo stopped;;
reload) echo reloaded;;
status) [ -e "$here" ] && echo is running || { echo is stopped; exit 3; };;
*) exit 2;;
esac
"""
SERVICE = """#!/bin/sh
exec $(dirname "$0")/../init.d/$1 $2
"""
UPDATE = """#!/bin/sh
root=$(dirname "$0")/..
[ "$2" = defaults ] && exit 0
verb=$2 name=$1; shift 2
for level in ${*:-2 3 4 5}; do
  mkdir -p "$root/rc$level.d"; rm -f "$root/rc$level.d/"*"$name"
  [ "$verb" = enable ] && touch "$root/rc$level.d/S01$name" || touch "$root/rc$level.d/K01$name"
done
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder, name, text in (("init.d", "mine", SCRIPT), ("bin", "update-rc.d", UPDATE), ("bin", "service", SERVICE)):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text)
        (tmp_path / folder / name).chmod(0o755)
    monkeypatch.setattr(sysvinit, "SCRIPTS", str(tmp_path / "init.d"))
    monkeypatch.setattr(sysvinit, "LEVELS", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def test_states(call: Any, host: Path) -> None:
    running = host / "running"
    checked = call("sysvinit", {"name": "mine", "state": "started"}, check=True)
    assert (checked["changed"], checked["status"]["started"]["rc"], running.exists()) == (True, None, False)
    made = call("sysvinit", {"name": "mine", "state": "started", "arguments": "fast"})
    assert made["status"]["started"] == {"changed": True, "rc": 0, "stdout": "started fast\n", "stderr": ""}
    assert (made["name"], made["status"]["enabled"]["changed"], running.exists()) == ("mine", False, True)
    assert not call("sysvinit", {"name": "mine", "state": "started"})["changed"]
    assert call("sysvinit", {"name": "mine", "state": "reloaded"})["status"]["reloaded"]["stdout"] == "reloaded\n"
    assert call("sysvinit", {"name": "mine", "state": "restarted", "sleep": 0})["status"]["restarted"]["stdout"] == "started\n"
    assert call("sysvinit", {"name": "mine", "state": "stopped"})["changed"] and not running.exists()
    assert call("sysvinit", {"name": "mine", "state": "reloaded"})["status"]["reloaded"]["stdout"] == "reloaded\n"
    assert not call("sysvinit", {"name": "mine", "state": "stopped"})["changed"]


@pytest.mark.parametrize(
    ("code", "out", "runs"),
    [
        (0, "mine is running.\n", True),
        (3, "mine is not running.\n", False),
        (0, "mine is stopped\n", False),
        (1, "mine: dead but pid file exists\n", False),
        (5, "active\n", True),
        (5, "not active\n", None),
        (0, "", True),
        (69, "", False),
        (5, "", None),
        (3, "\u25cb mine.service\n  Active: inactive\n", False),
        (0, "\u25cf mine.service\n  Active: active (exited); was stopped\n", True),
        (0, "Usage: mine start\n", True),
    ],
)
def test_what_a_status_tells(code: int, out: str, runs: bool | None) -> None:
    assert sysvinit.told_state("mine", code, out) is runs


def test_enabling(call: Any, host: Path) -> None:
    assert call("sysvinit", {"name": "mine", "enabled": True}, check=True)["changed"] and not list(host.glob("rc?.d"))
    made = call("sysvinit", {"name": "mine", "enabled": True})
    assert (made["changed"], made["status"]["enabled"]["rc"], made["status"]["null"]["changed"]) == (True, 0, False)
    assert not call("sysvinit", {"name": "mine", "enabled": True})["changed"]
    assert call("sysvinit", {"name": "mine", "enabled": False})["changed"] and not list(host.glob("rc?.d/S??mine"))
    levels = {"name": "mine", "enabled": True, "runlevels": ["3", "5"]}
    assert call("sysvinit", levels)["status"]["enabled"]["runlevels"] == ["3", "5"]
    assert sorted(path.parent.name for path in host.glob("rc?.d/S??mine")) == ["rc3.d", "rc5.d"]
    assert not call("sysvinit", levels)["changed"]


def test_a_pattern_stands_for_the_status(call: Any, host: Path) -> None:
    assert not call("sysvinit", {"name": "mine", "state": "started", "pattern": "pytest"}, check=True)["changed"]
    assert call("sysvinit", {"name": "mine", "state": "started", "pattern": "no such process " + "x"}, check=True)["changed"]


def test_what_is_refused(call: Any, host: Path) -> None:
    assert call("sysvinit", {"name": "other", "state": "started"})["msg"] == "Could not find the requested service other: "
    assert call("sysvinit", {"name": "mine"})["msg"] == "one of the following is required: state, enabled"
    (host / "init.d/broken").write_text("#!/bin/sh\nexit 1\n")
    (host / "init.d/broken").chmod(0o755)
    made = call("sysvinit", {"name": "broken", "state": "started"})
    assert (made["failed"], made["msg"], made["rc"]) == (True, "Failed to start service: broken", 1)

"""Proves modprobe with a program of the test's own: loading, check mode, other names, and what stays for the next start."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.modules import modprobe
from tests.module_calls import Call

PROGRAM = """#!/bin/sh
here=$(dirname "$0")
printf '%s\\n' "$*" >>"$here/calls"
case "$*" in
*nosuch*) echo "FATAL: Module nosuch not found" >&2; exit 1 ;;
*--first-time*) echo "is in the kernel already" >&2; exit 1 ;;
-n*|*-n|*alias*) ;;
-r*) : >"$here/loaded" ;;
*) echo "$1 1 0 - Live" >"$here/loaded" ;;
esac
"""


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "modprobe").write_text(PROGRAM)
    (tmp_path / "modprobe").chmod(0o755)
    (tmp_path / "loaded").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(modprobe, "LOADED", str(tmp_path / "loaded"))
    monkeypatch.setattr(modprobe, "LIBRARY", str(tmp_path / "lib"))
    monkeypatch.setattr(modprobe, "LOAD_FOLDER", str(tmp_path / "load"))
    monkeypatch.setattr(modprobe, "OPTIONS_FOLDER", str(tmp_path / "options"))
    return tmp_path


def calls(host: Path) -> list[str]:
    return (host / "calls").read_text().splitlines()


def test_loaded_then_nothing_then_gone(call: Call, host: Path) -> None:
    args = {"name": "dummy", "params": "numdummies=2 x='a b'"}
    assert call("modprobe", args, check=True)["changed"] is True
    first = call("modprobe", args)
    assert first == {"changed": True, "name": "dummy", "params": "numdummies=2 x='a b'", "state": "present"}
    assert call("modprobe", args)["changed"] is False
    assert call("modprobe", {"name": "dummy", "state": "absent"}, check=True)["changed"] is True
    assert call("modprobe", {"name": "dummy", "state": "absent"})["changed"] is True
    assert call("modprobe", {"name": "dummy", "state": "absent"})["changed"] is False
    assert calls(host) == ["-n dummy numdummies=2 x=a b", "dummy numdummies=2 x=a b", "-r dummy -n", "-r dummy"]


@pytest.mark.parametrize("check", [False, True])
def test_a_module_that_is_not_there(call: Call, check: bool) -> None:
    result = call("modprobe", {"name": "nosuch"}, check=check)
    assert (result["failed"], result["msg"], result["rc"], result["name"]) == (True, "FATAL: Module nosuch not found\n", 1, "nosuch")


def test_another_name_of_what_is_loaded_is_no_change(call: Call) -> None:
    result = call("modprobe", {"name": "alias"})
    assert (result["changed"], result["warnings"]) == (False, ["is in the kernel already\n"])


def test_what_stays_for_the_next_start(call: Call, host: Path) -> None:
    args = {"name": "dummy", "persistent": "present", "params": "a=1 b=2"}
    call("modprobe", args, check=True)
    assert not (host / "load").exists()
    assert call("modprobe", args)["changed"] is True
    options = host / "options" / "dummy.conf"
    assert ((host / "load" / "dummy.conf").read_text(), options.read_text()) == ("dummy\n", "options dummy a=1\noptions dummy b=2\n")
    assert call("modprobe", {**args, "params": "b=2 a=1"})["changed"] is False
    (host / "options" / "other.conf").write_text("options dummy c=3 # mine\noptions else d=4\n")
    assert call("modprobe", args)["changed"] is True
    assert (host / "options" / "other.conf").read_text() == "#options dummy c=3 # mine\noptions else d=4\n"
    assert call("modprobe", {**args, "persistent": "absent"})["changed"] is True
    assert options.read_text() == "#options dummy a=1\n#options dummy b=2\n" and (host / "load" / "dummy.conf").read_text() == "#dummy\n"
    assert call("modprobe", {**args, "persistent": "absent"})["changed"] is False

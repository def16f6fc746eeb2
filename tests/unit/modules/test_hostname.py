"""Proves which names a host gets, now and after a restart, and that what is no name leaves everything as it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from provisioner.modules import hostname
from tests.module_calls import Call

PROGRAM = """#!/bin/sh
case "$1" in *" "*) echo "the specified hostname is invalid" >&2; exit 1;; esac
echo "$1" >> {folder}/calls
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/hostname").write_text(PROGRAM.format(folder=tmp_path))
    (tmp_path / "bin/hostname").chmod(0o755)
    (tmp_path / "file").write_text("stays\n")
    (tmp_path / "calls").touch()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(hostname, "FILE", str(tmp_path / "file"))
    return tmp_path


@pytest.mark.parametrize(
    ("now", "name", "check", "changed", "before", "file", "calls"),
    [
        ("old", "new", False, True, "old", "new\n", "new\n"),
        ("old", "new", True, True, "old", "stays\n", ""),
        ("new", "new", False, True, "stays", "new\n", ""),  # after a restart it would be another
        ("stays", "stays", False, False, None, "stays\n", ""),
        ("old", "a.example.org", False, True, "old", "a.example.org\n", "a.example.org\n"),
    ],
)
def test_names(
    call: Call,
    host: Path,
    monkeypatch: pytest.MonkeyPatch,
    now: str,
    name: str,
    check: bool,
    changed: bool,
    before: Any,
    file: str,
    calls: str,
) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", now, "6", "1", "x86_64")))
    told = call("hostname", {"name": name}, check=check)
    assert (told["changed"], told["name"], told["ansible_facts"]["ansible_nodename"]) == (changed, name, name)
    assert told["ansible_facts"]["ansible_hostname"] == name.split(".")[0]
    assert told.get("diff") == ({"before": f"hostname = {before}\n", "after": f"hostname = {name}\n"} if changed else None)
    assert ((host / "file").read_text(), (host / "calls").read_text()) == (file, calls)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a b", "Command failed rc=1, out=, err=the specified hostname is invalid\n"),
        ("x" * 65, "name cannot be longer than 64 characters on systemd servers, try a shorter name"),
    ],
)
def test_what_is_no_name_changes_nothing(call: Call, host: Path, name: str, said: str) -> None:
    told = call("hostname", {"name": name})
    assert (told["failed"], told["msg"], (host / "file").read_text()) == (True, said, "stays\n")

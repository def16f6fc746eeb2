"""Proves dpkg_selections with a dpkg of the test's own: a change, none, check mode, a package that nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.module_calls import Call


def test_selections(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "dpkg"
    program.write_text('#!/bin/sh\nf=$(dirname "$0")/s\ncase "$1" in --set*) cat >"$f" ;; *) grep "^$2 " "$f"; true ;; esac\n')
    program.chmod(0o755)
    (tmp_path / "s").write_text("foo install\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    args = {"name": "foo", "selection": "hold"}
    expected = {"changed": True, "before": "install", "after": "hold"}
    assert call("dpkg_selections", args, check=True) == expected and (tmp_path / "s").read_text() == "foo install\n"
    assert call("dpkg_selections", args) == expected and (tmp_path / "s").read_text() == "foo hold\n"
    assert call("dpkg_selections", args) == {"changed": False, "before": "hold", "after": "hold"}
    unknown = call("dpkg_selections", {"name": "bar", "selection": "hold"})
    assert (unknown["failed"], unknown["msg"]) == (True, "Failed to find package 'bar' to perform selection 'hold'.")

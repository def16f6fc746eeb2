"""Proves seboolean: what is switched and how on a host with SELinux (its files made here), and the error where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.modules import seboolean
from tests.module_calls import Call


def test_without_selinux(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seboolean, "FILESYSTEM", str(tmp_path))
    assert call("seboolean", {"name": "b", "state": True})["msg"] == "SELinux is disabled on this host."


def test_switched_once(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "booleans").mkdir()
    (tmp_path / "enforce").write_text("1")
    (tmp_path / "booleans" / "b").write_text("0 0")
    for name, text in (("setsebool", 'echo "$@" >>calls; echo 1 1 >booleans/b'), ("semanage", "echo 'b (on , off) why'")):
        (tmp_path / name).write_text(f'#!/bin/sh\ncd "$(dirname "$0")"\n{text}\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(seboolean, "FILESYSTEM", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    args = {"name": "b", "state": True}
    expected = {"name": "b", "persistent": False, "state": True, "changed": True}
    assert call("seboolean", args, check=True) == expected and not (tmp_path / "calls").exists()
    assert call("seboolean", args) == expected
    assert call("seboolean", args)["changed"] is False
    assert call("seboolean", {**args, "persistent": True})["changed"] is True
    assert (tmp_path / "calls").read_text() == "b on\n-P b on\n"
    assert call("seboolean", {"name": "none", "state": True})["msg"] == "SELinux boolean none does not exist."

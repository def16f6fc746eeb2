"""Proves what is told of a file's flags and MIME type: flags as the kernel has them, nothing for links, unknown without the program file."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.agent import file_flags
from provisioner.agent.context import Context


def test_flags_in_lsattrs_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    path.touch()
    monkeypatch.setattr(file_flags, "_ask", lambda handle, request: 0x80030 if request == file_flags.GET_FLAGS else 7)
    found = file_flags.flags(str(path), path.stat().st_mode)
    assert found == {"attr_flags": "iae", "attributes": ["immutable", "append", "extents"], "version": "7"}


def test_no_flags_for_links(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to("f")
    assert file_flags.flags(str(tmp_path / "l"), (tmp_path / "l").lstat().st_mode) == {"attr_flags": "", "attributes": []}


def test_mime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "which", lambda self, name: str(tmp_path / name))
    (tmp_path / "file").write_text("#!/bin/sh\necho 'text/plain; charset=us-ascii'\n")
    (tmp_path / "file").chmod(0o755)
    text, link = tmp_path / "text", tmp_path / "link"
    text.write_text("abc")
    link.symlink_to("text")
    assert file_flags.mime(str(text), Context()) == {"mimetype": "text/plain", "charset": "us-ascii"}
    (tmp_path / "file").write_text("#!/bin/sh\nexit 1\n")
    assert file_flags.mime(str(text), Context()) == {"mimetype": "unknown", "charset": "unknown"}
    (tmp_path / "empty").touch()
    told = {path.name: file_flags.mime(str(path), Context())["mimetype"] for path in (link, tmp_path, tmp_path / "empty")}
    assert told == {"link": "inode/symlink", tmp_path.name: "inode/directory", "empty": "inode/x-empty"}  # without starting anything

"""Proves assemble: which fragments are joined and how, that a second run changes nothing, check mode and messages."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call


@pytest.fixture
def fragments(tmp_path: Path) -> Path:
    folder = tmp_path / "d"
    (folder / "sub").mkdir(parents=True)
    for name, text in {"01": "a\n", "02": "b", "10": "c\n", ".hidden": "h\n", "-odd ü": "o\n"}.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("args", "content"),
    [
        ({}, "o\nh\na\nb\nc\n"),
        ({"delimiter": "---"}, "o\n---\nh\n---\na\n---\nb\n---\nc\n"),
        ({"delimiter": "--\\n"}, "o\n--\nh\n--\na\n--\nb\n--\nc\n"),
        ({"delimiter": "### ü ###", "regexp": r"^0"}, "a\n### ü ###\nb"),
        ({"regexp": r"^\d+$"}, "a\nb\nc\n"),
        ({"ignore_hidden": True}, "o\na\nb\nc\n"),
        ({"regexp": "nothing"}, ""),
        ({"validate": "grep -q h %s"}, "o\nh\na\nb\nc\n"),
    ],
)
def test_joined(call: Call, fragments: Path, tmp_path: Path, args: dict[str, Any], content: str) -> None:
    dest = tmp_path / "out put"
    args = {"src": str(fragments), "dest": str(dest), **args}
    checked = call("assemble", args, check=True, diff=True)
    assert checked["changed"] is True and not dest.exists()
    first = call("assemble", args, diff=True)
    assert (first["changed"], first["msg"], dest.read_text()) == (True, "OK", content)
    assert (first["checksum"], first["md5sum"]) == (hashlib.sha1(content.encode()).hexdigest(), hashlib.md5(content.encode()).hexdigest())
    assert (first["src"], first["dest"], first["size"], first["state"]) == (str(fragments), str(dest), len(content.encode()), "file")
    assert "diff" not in first  # fragments of the host's own have none with Ansible either
    assert call("assemble", args)["changed"] is False


def test_backup_and_mode(call: Call, fragments: Path, tmp_path: Path) -> None:
    dest = tmp_path / "out"
    dest.write_text("old")
    result = call("assemble", {"src": str(fragments), "dest": str(dest), "backup": True, "mode": "u=rw,go="})
    assert Path(result["backup_file"]).read_text() == "old" and stat.S_IMODE(dest.stat().st_mode) == 0o600


def test_binary_fragments(call: Call, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"\xff\x00")
    (tmp_path / "d" / "b").write_bytes(b"x")
    call("assemble", {"src": str(tmp_path / "d"), "dest": str(tmp_path / "out")}, diff=True)
    assert (tmp_path / "out").read_bytes() == b"\xff\x00\nx"


@pytest.mark.parametrize(
    ("args", "msg"),
    [
        ({"src": "@/none"}, "Source (@/none) does not exist"),
        ({"src": "@/d/01"}, "Source (@/d/01) is not a directory"),
        ({"regexp": "("}, 'Invalid Regexp (missing ), unterminated subpattern at position 0) in "("'),
        ({"dest": "@/d"}, "attempted to take checksum of directory: @/d"),
        ({"dest": "@/no/out"}, "Destination directory @/no does not exist"),
        ({"validate": "true"}, "validate must contain %s: true"),
        ({"validate": "false %s"}, "failed to validate: rc:1 error:"),
    ],
)
def test_messages(call: Call, fragments: Path, tmp_path: Path, args: dict[str, str], msg: str) -> None:
    given = {"src": "@/d", "dest": "@/out", **args}
    result = call("assemble", {key: value.replace("@", str(tmp_path)) for key, value in given.items()})
    assert (result["failed"], result["msg"]) == (True, msg.replace("@", str(tmp_path)))
    assert not (tmp_path / "out").exists()

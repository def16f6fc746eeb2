"""Proves that every module that touches files does so whatever they are named and whatever is in them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call

NAMES = ["a b", "two\nlines", "ümlaut €", "-rf", "$HOME", "qu'o\"te", "*", "back\\slash", "%s", "{{ x }}", "#", " lead", "x" * 200]


@pytest.fixture(params=NAMES)
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HOME")  # `$HOME` in a name is no variable, as none is set
    monkeypatch.chdir(tmp_path)
    return tmp_path / request.param


def put(call: Call, path: Path, content: bytes, tmp_path: Path) -> dict[str, Any]:
    source = tmp_path / "source"
    source.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    checksum = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return call("copy", {"dest": str(path), "_blob": digest, "_checksum": checksum}, blobs={digest: str(source)})


def test_a_file_goes_through_all_modules(call: Call, path: Path, tmp_path: Path) -> None:
    name = str(path)
    assert [put(call, path, b"one\n", tmp_path)["changed"] for _ in range(2)] == [True, False]
    assert call("lineinfile", {"path": name, "line": "two"})["changed"] is True
    assert call("blockinfile", {"path": name, "block": "three", "backup": True})["changed"] is True
    assert call("replace", {"path": name, "regexp": "^two$", "replace": "TWO"})["changed"] is True
    assert path.read_text().startswith("one\nTWO\n# BEGIN")
    assert call("stat", {"path": name, "get_mime": True})["stat"]["exists"] is True
    assert base64.b64decode(call("slurp", {"src": name})["content"]) == path.read_bytes()
    found = [entry["path"] for entry in call("find", {"paths": str(tmp_path)})["files"]]
    assert name in found and len(found) == 3
    assert call("file", {"path": f"{name}.l", "src": name, "state": "link"})["changed"] is True
    assert call("copy", {"src": name, "dest": f"{name}.c", "remote_src": True})["changed"] is True
    archive = str(tmp_path / "made.tgz")
    assert call("archive", {"path": name, "dest": archive, "force_archive": True})["changed"] is True
    (tmp_path / "out").mkdir()
    assert call("unarchive", {"src": archive, "dest": str(tmp_path / "out"), "remote_src": True})["changed"] is True
    assert call("unarchive", {"src": archive, "dest": str(tmp_path / "out"), "remote_src": True})["changed"] is False
    assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    assert call("command", {"argv": ["cat", "--", name]})["stdout"].startswith("one\nTWO")
    assert call("file", {"path": name, "state": "absent"})["changed"] is True
    assert not path.exists()


def test_a_folder_goes_through_all_modules(call: Call, path: Path, tmp_path: Path) -> None:
    name = str(path)
    assert [call("file", {"path": f"{name}/deep", "state": "directory"})["changed"] for _ in range(2)] == [True, False]
    (path / "deep" / "f").write_bytes(b"\0\xff")
    assert call("copy", {"src": name, "dest": str(tmp_path / "copied"), "remote_src": True})["changed"] is True
    assert (tmp_path / "copied" / path.name / "deep" / "f").read_bytes() == b"\0\xff"
    assert call("find", {"paths": name, "recurse": True})["matched"] == 1
    assert call("file", {"path": name, "state": "absent"})["changed"] is True


@pytest.mark.parametrize("content", [b"\0\xff\xfe", b"\xff\n" * 3, b"no end", b"a\r\nb\r\n", b"", b"\n\n", "\ufeffbom\n".encode()])
def test_whatever_is_in_a_file_stays_but_for_what_is_wanted(call: Call, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    assert call("lineinfile", {"path": str(path), "line": "added"})["changed"] is True
    ended = content if content.endswith(b"\n") or not content else content + b"\n"
    assert path.read_bytes() in (ended + b"added\n", ended + b"added\r\n")
    assert call("lineinfile", {"path": str(path), "line": "added"})["changed"] is False
    path.write_bytes(content)
    assert call("blockinfile", {"path": str(path), "block": "in"})["changed"] is True
    assert path.read_bytes().startswith(content)
    assert call("blockinfile", {"path": str(path), "block": "in"})["changed"] is False
    assert call("replace", {"path": str(path), "regexp": "^in$", "replace": "out"})["changed"] is True
    assert path.read_bytes().startswith(content)


def test_a_large_file_is_not_held_in_memory(call: Call, tmp_path: Path) -> None:
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(64 << 20)
    result = call("copy", {"src": str(source), "dest": str(tmp_path / "c"), "remote_src": True}, diff=True)
    assert result["changed"] is True and (tmp_path / "c").stat().st_size == 64 << 20
    assert call("stat", {"path": str(tmp_path / "c")})["stat"]["size"] == 64 << 20

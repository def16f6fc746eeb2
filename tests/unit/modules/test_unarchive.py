"""Proves unarchive: tar in its compressions and zip, what is taken of them, modes, the second run, and check mode."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

FORMS = {"t.tar": ["tar", "cf"], "t.tgz": ["tar", "czf"], "t.tbz": ["tar", "cjf"], "t.txz": ["tar", "cJf"], "z.zip": ["zip", "-qry"]}


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    root = tmp_path / "src"
    (root / "a/b").mkdir(parents=True)
    (root / "a/one").write_text("one\n")
    (root / "a/one").chmod(0o600)
    (root / "a/b/two").write_text("two\n")
    (root / "a/link").symlink_to("one")
    for name, command in FORMS.items():
        subprocess.run([*command, name, "a"], cwd=root, check=True)
    (tmp_path / "dest").mkdir()
    return root


@pytest.mark.parametrize("name", FORMS)
def test_all_is_unpacked_once(call: Any, packed: Path, tmp_path: Path, name: str) -> None:
    dest = tmp_path / "dest"
    args = {"src": str(packed / name), "dest": str(dest), "remote_src": True, "list_files": True}
    made = call("unarchive", args)
    handler = {"t.tgz": "TgzArchive", "z.zip": "ZipArchive"}.get(name, "TarArchive")
    assert (made["changed"], made["handler"], sorted(made["files"])) == (True, handler, ["a/", "a/b/", "a/b/two", "a/link", "a/one"])
    assert made["extract_results"]["rc"] == 0
    assert ((dest / "a/one").read_text(), (dest / "a/one").stat().st_mode & 0o777, os.readlink(dest / "a/link")) == ("one\n", 0o600, "one")
    again = call("unarchive", args)
    assert (again["changed"], "extract_results" in again) == (False, False)
    (dest / "a/b/two").write_text("changed")
    assert call("unarchive", args)["changed"]
    assert (dest / "a/b/two").read_text() == "two\n"
    mode = {**args, "mode": "0750"}
    assert call("unarchive", mode)["changed"] and (dest / "a/b/two").stat().st_mode & 0o777 == 0o750
    assert not call("unarchive", mode)["changed"]


@pytest.mark.parametrize("name", ["t.tgz", "z.zip"])
def test_parts(call: Any, packed: Path, tmp_path: Path, name: str) -> None:
    args = {"src": str(packed / name), "dest": str(tmp_path / "dest"), "remote_src": True, "list_files": True}
    assert call("unarchive", {**args, "include": ["a/one"]})["files"] == ["a/one"]
    assert sorted(path.name for path in (tmp_path / "dest/a").iterdir()) == ["one"]
    assert "a/one" not in call("unarchive", {**args, "exclude": ["a/one"]})["files"]
    wrong = call("unarchive", {**args, "include": ["a"], "exclude": ["b"]})
    assert wrong["msg"] == "parameters are mutually exclusive: include|exclude"


def test_extra_options(call: Any, packed: Path, tmp_path: Path) -> None:
    args = {"src": str(packed / "t.tgz"), "dest": str(tmp_path / "dest"), "remote_src": True, "extra_opts": ["--strip-components=1"]}
    assert call("unarchive", args)["changed"]
    assert sorted(path.name for path in (tmp_path / "dest").iterdir()) == ["b", "link", "one"]
    assert not call("unarchive", args)["changed"]


def test_newer_files_are_kept(call: Any, packed: Path, tmp_path: Path) -> None:
    args = {"src": str(packed / "z.zip"), "dest": str(tmp_path / "dest"), "remote_src": True, "keep_newer": True}
    call("unarchive", args)
    mine = tmp_path / "dest/a/one"
    mine.write_text("mine")
    os.utime(mine, (mine.stat().st_mtime + 100, mine.stat().st_mtime + 100))
    assert (call("unarchive", args)["changed"], mine.read_text()) == (False, "mine")


def test_a_zip_where_there_is_no_unzip(call: Any, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.agent.context.Context.which", lambda self, name: _missing(name))
    args = {"src": str(packed / "z.zip"), "dest": str(tmp_path / "dest"), "remote_src": True}
    assert call("unarchive", args)["changed"]
    assert (tmp_path / "dest/a/link").read_text() == "one\n"
    assert not call("unarchive", args)["changed"]


def _missing(name: str) -> str:
    from provisioner.agent.context import ModuleFailed

    raise ModuleFailed(f"Failed to find required executable {name}")


def test_check_mode(call: Any, packed: Path, tmp_path: Path) -> None:
    args = {"dest": str(tmp_path / "dest"), "remote_src": True}
    skipped = call("unarchive", {**args, "src": str(packed / "t.tar")}, check=True)
    assert (skipped["skipped"], skipped["changed"]) == (True, False)
    told = call("unarchive", {**args, "src": str(packed / "z.zip")}, check=True)
    assert (told["changed"], told["diff"]["prepared"].splitlines()[0]) == (True, ">d++++++.?? a/")
    assert list((tmp_path / "dest").iterdir()) == []


def test_what_is_no_archive(call: Any, packed: Path, tmp_path: Path) -> None:
    dest = str(tmp_path / "dest")
    made = call("unarchive", {"src": str(packed / "a/one"), "dest": dest, "remote_src": True})
    assert made["msg"].startswith(f'Failed to find handler for "{packed}/a/one". Make sure the required command')
    assert call("unarchive", {"src": "/none", "dest": dest, "remote_src": True})["msg"] == "Source '/none' does not exist"
    assert call("unarchive", {"src": str(packed / "t.tar"), "dest": "/none"})["msg"] == "Destination '/none' is not a directory"
    assert call("unarchive", {"src": "file:///none", "dest": dest, "remote_src": True})["msg"].startswith(
        "Failure downloading file:///none"
    )


def test_a_folder_is_no_archive(call: Any, tmp_path: Path) -> None:
    answer = call("unarchive", {"src": str(tmp_path), "dest": str(tmp_path), "remote_src": True})
    assert answer["msg"].startswith(f'Failed to find handler for "{tmp_path}". It is a folder')

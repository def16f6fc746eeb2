"""Proves synchronize on one machine: what is copied, the second run, check mode, and which options rsync gets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.arguments import checked
from provisioner.modules import synchronize

OPTIONS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["--delay-updates", "-F", "--compress", "--archive"]),
    ({"archive": False, "compress": False, "delay_updates": False, "recursive": True, "perms": True}, ["--recursive", "--perms"]),
    ({"owner": False, "group": False}, ["--delay-updates", "-F", "--compress", "--archive", "--no-owner", "--no-group"]),
    ({"delay_updates": False, "compress": False, "delete": True, "checksum": True}, ["--delete-after", "--checksum", "--archive"]),
    ({"delay_updates": False, "compress": False, "rsync_opts": ["--exclude=.git"], "rsync_path": "sudo rsync"}, ["--archive", "--rsync-path=sudo rsync", "--exclude=.git"]),
    ({"delay_updates": False, "compress": False, "link_dest": ["/old"], "partial": True}, ["--archive", "--partial", "-H", "-vv", "--link-dest=/old"]),
]  # fmt: skip


@pytest.mark.parametrize(("args", "options"), OPTIONS)
def test_options(args: dict[str, Any], options: list[str]) -> None:
    given = checked(synchronize.ARGUMENTS, {"src": "a", "dest": "b", **args}, "synchronize")
    assert synchronize.options_of(given, False) == [*options, "--out-format=<<CHANGED>>%i %n%L"]


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_a_folder(call: Any, tmp_path: Path) -> None:
    (tmp_path / "src/d").mkdir(parents=True)
    (tmp_path / "src/d/file").write_text("1")
    args = {"src": f"{tmp_path}/src/", "dest": f"{tmp_path}/dest/"}
    assert call("synchronize", args, check=True)["changed"] and not (tmp_path / "dest/d").exists()
    made = call("synchronize", args)
    assert (made["changed"], made["rc"], (tmp_path / "dest/d/file").read_text()) == (True, 0, "1")
    assert ">f+++++++++ d/file" in made["stdout_lines"]
    assert not call("synchronize", args)["changed"]
    (tmp_path / "dest/extra").write_text("x")
    assert call("synchronize", {**args, "delete": True})["changed"] and not (tmp_path / "dest/extra").exists()
    failed = call("synchronize", {**args, "src": "/none/"})
    assert (failed["failed"], failed["rc"]) == (True, 23)
    assert failed["cmd"].endswith("--out-format='<<CHANGED>>%i %n%L' /none/ " + args["dest"])


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_files_linked_to_another_folder(call: Any, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a").write_text("1\n")
    args = {"src": f"{tmp_path}/src/", "dest": f"{tmp_path}/dest/", "link_dest": [f"{tmp_path}/src/"]}
    assert [call("synchronize", args)["changed"] for _ in range(2)] == [True, False]
    assert (tmp_path / "dest/a").stat().st_ino == (tmp_path / "src/a").stat().st_ino
    below = call("synchronize", {**args, "dest": f"{tmp_path}/src/deeper/"})
    assert below["msg"].startswith("Hardlinking into a subdirectory of the source would cause recursion.")

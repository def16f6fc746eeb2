"""Proves how one folder of a host becomes another: what differs and what is missing is copied, all else stays, links as is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.folder_copy import copy_folder

ARGS: dict[str, Any] = {"owner": None, "group": None, "local_follow": None}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "one").write_text("1")
    (folder / "deep" / "two").write_text("2")
    (folder / "deep" / "run").write_text("#!")
    (folder / "deep" / "run").chmod(0o755)
    (folder / "link").symlink_to("one")
    (folder / "away").symlink_to("deep")
    return folder


def test_once(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    assert copy_folder(str(source), str(dest), ARGS, Context(check=True)) is True and not dest.exists()
    args = {**ARGS, "local_follow": True}
    assert [copy_folder(str(source), str(dest), args, Context()) for _ in range(2)] == [True, False]
    assert (dest / "away" / "two").read_text() == "2" and not (dest / "link").is_symlink()
    assert (dest / "deep" / "run").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("follow", [None, False])
def test_links_stay_links(source: Path, tmp_path: Path, there: bool, follow: bool | None) -> None:
    dest = tmp_path / "dest"
    if there:
        dest.mkdir()
    (source / "nowhere").symlink_to("nosuch")
    (source / "deep" / "up").symlink_to("..")
    args = {**ARGS, "local_follow": follow}
    assert [copy_folder(str(source), str(dest), args, Context()) for _ in range(2)] == [True, False]
    assert str((dest / "link").readlink()) == "one" and str((dest / "away").readlink()) == "deep"
    (source / "link").unlink()
    (source / "link").symlink_to("deep/two")
    assert [copy_folder(str(source), str(dest), args, Context()) for _ in range(2)] == [True, False]
    assert (dest / "one").read_text() == "1" and str((dest / "link").readlink()) == "deep/two"


def test_a_link_does_not_replace_a_folder(source: Path, tmp_path: Path) -> None:
    (tmp_path / "dest" / "away").mkdir(parents=True)
    with pytest.raises(ModuleFailed, match="is a folder, but a link in"):
        copy_folder(str(source), str(tmp_path / "dest"), ARGS, Context())


def test_what_is_only_there_stays_and_what_differs_goes(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    (dest / "deep").mkdir(parents=True)
    (dest / "own").write_text("mine")
    (dest / "deep" / "two").write_text("other")
    assert copy_folder(str(source), str(dest), ARGS, Context(check=True)) is True
    assert (dest / "deep" / "two").read_text() == "other"
    assert copy_folder(str(source), str(dest), ARGS, Context()) is True
    assert (dest / "own").read_text() == "mine" and (dest / "deep" / "two").read_text() == "2"

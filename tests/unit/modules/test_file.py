"""Proves what module file does where links lead in circles, and copy with folders that may not be touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.module_calls import Call


@pytest.mark.parametrize(("link", "target"), [("d/self", "."), ("d/up", ".."), ("d/e/around", "../../d")])
def test_links_that_lead_back_are_followed_once(call: Call, tmp_path: Path, link: str, target: str) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f").write_text("x")
    (tmp_path / link).symlink_to(target)
    args = {"path": str(tmp_path / "d"), "state": "directory", "recurse": True, "mode": "u=rwX,go="}
    assert [call("file", args)["changed"] for _ in range(2)] == [True, False]
    assert ((tmp_path / "d/e/f").stat().st_mode & 0o777, (tmp_path / "d/e").stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_folder_that_is_there_is_left_alone_without_force(call: Call, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/new").write_text("x")
    (tmp_path / "d").mkdir()
    answer = call("copy", {"remote_src": True, "src": f"{tmp_path}/s/", "dest": f"{tmp_path}/d", "force": False})
    assert (answer["changed"], answer["msg"], list((tmp_path / "d").iterdir())) == (False, "file already exists", [])

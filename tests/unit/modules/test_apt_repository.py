"""Proves apt_repository: which file a source goes to and leaves, check mode, diff, a second run without change, its messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.agent import apt_get
from provisioner.agent.context import Context
from provisioner.modules import apt_repository
from tests.module_calls import Call

REPO = "deb [trusted=yes] http://u:p@127.0.0.1:9/debian stable main"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sources.list").write_text("# deb http://d/ debug main\ndeb http://d/ stable main\n")
    monkeypatch.setattr(apt_repository, "LIST", str(tmp_path / "sources.list"))
    monkeypatch.setattr(apt_repository, "PARTS", str(tmp_path / "parts"))
    return tmp_path


def test_added_then_nothing_then_removed(call: Call, folders: Path) -> None:
    path = folders / "parts" / "127_0_0_1_9_debian.list"
    args: dict[str, Any] = {"repo": REPO, "update_cache": False, "mode": "0600"}
    checked = call("apt_repository", args, check=True, diff=True)
    assert not path.exists()
    first = call("apt_repository", args, diff=True)
    assert path.read_text() == REPO + "\n" and path.stat().st_mode & 0o777 == 0o600
    assert checked == first == {
        "changed": True, "repo": REPO, "sources_added": [str(path)], "sources_removed": [], "state": "present",
        "diff": [{"before": "", "after": REPO + "\n", "before_header": "/dev/null", "after_header": str(path)}],
    }  # fmt: skip
    again = call("apt_repository", {**args, "repo": REPO.replace("stable main", "stable   main # why")})
    assert (again["changed"], again["sources_added"]) == (False, [])
    gone = call("apt_repository", {**args, "state": "absent"})
    assert (gone["changed"], gone["sources_removed"], path.exists()) == (True, [str(path)], False)
    assert call("apt_repository", {**args, "state": "absent"})["changed"] is False


def test_a_source_that_was_commented_out_comes_back(call: Call, folders: Path) -> None:
    result = call("apt_repository", {"repo": "deb http://d/ debug main", "update_cache": False})
    assert (result["changed"], result["sources_added"]) == (True, [])
    assert (folders / "sources.list").read_text() == "deb http://d/ debug main\ndeb http://d/ stable main\n"


def test_the_main_file_goes_with_its_last_source(call: Call, folders: Path) -> None:
    (folders / "sources.list").write_text("deb http://d/ stable main\n")
    (folders / "parts").mkdir()
    (folders / "parts" / "empty.list").write_text("")
    gone = call("apt_repository", {"repo": "deb http://d/ stable main", "state": "absent", "update_cache": False})
    assert (gone["sources_removed"], (folders / "sources.list").exists()) == ([str(folders / "sources.list")], False)
    assert (folders / "parts" / "empty.list").exists(), "what had nothing before is nobody's affair"


def test_named_file(call: Call, folders: Path) -> None:
    call("apt_repository", {"repo": "deb-src http://d/ ./", "update_cache": False, "filename": "mine"})
    assert (folders / "parts" / "mine.list").read_text() == "deb-src http://d/ ./\n"


def test_a_failed_update_takes_the_source_away_again(call: Call, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fails(context: Context, retries: int, max_delay: int) -> None:
        asked.append((retries, max_delay))
        raise apt_repository.ModuleFailed("Failed to update apt cache after 2 retries: no network")

    monkeypatch.setattr(apt_get, "update", fails)
    result = call("apt_repository", {"repo": REPO, "update_cache_retries": 2})
    assert (result["failed"], result["msg"]) == (True, "Failed to update apt cache after 2 retries: no network")
    assert asked == [(2, 12)] and not list((folders / "parts").iterdir())


@pytest.mark.parametrize(
    ("repo", "msg"), [("foo bar", "Invalid repository string: foo bar"), ("", "Please set argument 'repo' to a non-empty value")]
)
def test_messages(call: Call, repo: str, msg: str) -> None:
    assert call("apt_repository", {"repo": repo})["msg"] == msg

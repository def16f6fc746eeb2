"""Proves git against real repositories: clone, update, versions, local changes, check mode, submodules, archives, its messages."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call


@pytest.fixture(scope="module", autouse=True)
def nobody_elses_settings(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Git's own configuration, with which local submodules may be cloned."""
    config = tmp_path_factory.mktemp("git") / "config"
    config.write_text('[user]\nname=x\nemail=x@y\n[init]\ndefaultBranch=main\n[protocol "file"]\nallow=always\n[safe]\ndirectory=*\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, name: str) -> str:
    (folder / name).write_text(name)
    git(folder, "add", name)
    git(folder, "commit", "-qm", name)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """v1 at the first commit, v2 (annotated) at the second, which is main's; dev is one further."""
    folder = tmp_path / "up"
    folder.mkdir()
    git(folder, "init", "-q")
    commit(folder, "one")
    git(folder, "tag", "v1")
    commit(folder, "two")
    git(folder, "tag", "-a", "v2", "-m", "v2")
    git(folder, "checkout", "-q", "-b", "dev")
    commit(folder, "three")
    git(folder, "checkout", "-q", "main")
    return folder


def test_clone_then_nothing_then_what_is_new(call: Call, upstream: Path, tmp_path: Path) -> None:
    dest = tmp_path / "copy"
    args = {"repo": str(upstream), "dest": str(dest)}
    head = git(upstream, "rev-parse", "HEAD")
    assert call("git", args, check=True) == {"changed": True, "before": None, "after": head} and not dest.exists()
    assert call("git", args) == {"changed": True, "before": None, "after": head}
    assert call("git", args) == {"changed": False, "before": head, "after": head, "remote_url_changed": False}
    new = commit(upstream, "four")
    expected = {"changed": True, "before": head, "after": new, "remote_url_changed": False}
    assert call("git", args, check=True) == expected and git(dest, "rev-parse", "HEAD") == head
    made = call("git", args, diff=True)
    assert "+four" in made.pop("diff")["prepared"] and made == expected


def test_versions(call: Call, upstream: Path, tmp_path: Path) -> None:
    args = {"repo": str(upstream), "dest": str(tmp_path / "copy")}
    for version, files in (("v1", {"one"}), ("dev", {"one", "two", "three"}), ("v2", {"one", "two"}), ("main", {"one", "two"})):
        result = call("git", {**args, "version": version})
        assert result["after"] == git(upstream, "rev-parse", f"{version}^0")
        assert {path.name for path in (tmp_path / "copy").iterdir()} - {".git"} == files
        assert call("git", {**args, "version": version})["changed"] is False
    first = git(upstream, "rev-parse", "v1")
    assert call("git", {**args, "version": first})["after"] == first
    missing = call("git", {**args, "version": "nosuch"})
    assert (missing["failed"], missing["msg"], missing["rc"]) == (True, "Failed to checkout nosuch", 1)


def test_local_changes_stay_unless_forced(call: Call, upstream: Path, tmp_path: Path) -> None:
    args: dict[str, Any] = {"repo": str(upstream), "dest": str(tmp_path / "copy")}
    call("git", args)
    (tmp_path / "copy" / "one").write_text("mine")
    (tmp_path / "copy" / "untracked").write_text("mine")
    refused = call("git", args)
    assert refused["msg"] == f"Local modifications exist in the destination: {tmp_path}/copy (force=no)." and refused["failed"]
    forced = call("git", {**args, "force": True})
    assert (forced["changed"], (tmp_path / "copy" / "one").read_text()) == (True, "one")
    assert (tmp_path / "copy" / "untracked").exists()


def test_depth_bare_other_remote_and_no_update(call: Call, upstream: Path, tmp_path: Path) -> None:
    shallow, bare = tmp_path / "shallow", tmp_path / "bare"
    for _ in range(2):
        call("git", {"repo": f"file://{upstream}", "dest": str(shallow), "depth": 1, "version": "dev"})
    assert git(shallow, "rev-list", "--count", "HEAD") == "1"
    assert call("git", {"repo": str(upstream), "dest": str(bare), "bare": True})["changed"]
    assert call("git", {"repo": str(upstream), "dest": str(bare), "bare": True})["changed"] is False
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(upstream), str(other))
    moved = call("git", {"repo": str(other), "dest": str(shallow), "version": "main"})
    assert "failed" not in moved, moved
    assert moved["remote_url_changed"] is True and moved["changed"] is True
    commit(upstream, "later")
    assert call("git", {"repo": str(upstream), "dest": str(shallow), "update": False})["changed"] is False


def test_submodules_and_a_repository_elsewhere(call: Call, upstream: Path, tmp_path: Path) -> None:
    sub = tmp_path / "sub"
    sub.mkdir()
    git(sub, "init", "-q")
    commit(sub, "inner")
    git(upstream, "submodule", "add", "-q", str(sub), "part")
    git(upstream, "commit", "-qm", "part")
    args = {"repo": str(upstream), "dest": str(tmp_path / "copy"), "separate_git_dir": str(tmp_path / "copy.git")}
    first = call("git", args)
    assert first["submodules_changed"] is True and (tmp_path / "copy/part/inner").exists() and (tmp_path / "copy.git/config").exists()
    assert call("git", args)["changed"] is False
    without = call("git", {"repo": str(upstream), "dest": str(tmp_path / "plain"), "recursive": False})
    assert "submodules_changed" not in without and not list((tmp_path / "plain/part").iterdir())


def test_an_archive_is_made_once(call: Call, upstream: Path, tmp_path: Path) -> None:
    for kind in ("tar.gz", "zip", "tar", "tgz"):
        archive = tmp_path / f"out.{kind}"
        args = {"repo": str(upstream), "dest": str(tmp_path / kind), "version": "v1", "archive": str(archive), "archive_prefix": "p/"}
        assert call("git", args)["changed"] and archive.exists()
        written = archive.stat().st_mtime_ns
        assert call("git", args)["changed"] is False and archive.stat().st_mtime_ns == written


def test_umask(call: Call, upstream: Path, tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        call("git", {"repo": str(upstream), "dest": str(tmp_path / "copy"), "umask": "0077"})
    finally:
        os.umask(mask)
    assert (tmp_path / "copy/one").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("args", "msg"),
    [
        ({"repo": "x"}, "the destination directory must be specified unless clone=no"),
        ({"repo": "x", "dest": "d", "bare": True, "separate_git_dir": "s"}, "parameters are mutually exclusive: separate_git_dir|bare"),
        ({"repo": "x", "dest": "d", "archive_prefix": "p"}, "missing parameter(s) required by 'archive_prefix': archive"),
        ({"repo": "x", "dest": "d", "archive": "a.rar"}, "Unable to get file extension from archive file name : a.rar"),
        ({"repo": "x", "dest": "d", "umask": "9"}, "umask must be an octal integer"),
    ],
)
def test_messages(call: Call, args: dict[str, Any], msg: str) -> None:
    result = call("git", args)
    assert (result["failed"], result["msg"]) == (True, msg)


def test_a_tag_that_moved_needs_force(call: Call, upstream: Path, tmp_path: Path) -> None:
    args = {"repo": str(upstream), "dest": str(tmp_path / "copy"), "version": "v1"}
    call("git", args)
    git(upstream, "tag", "-f", "v1", "main")
    refused = call("git", args)
    assert (
        refused["msg"].startswith("Failed to download remote objects and refs:  From file://")
        and "would clobber existing tag" in refused["msg"]
    )
    assert call("git", {**args, "force": True})["after"] == git(upstream, "rev-parse", "main")


def test_repositories_and_remotes_that_are_not_there(call: Call, upstream: Path, tmp_path: Path) -> None:
    missing = call("git", {"repo": str(tmp_path / "nosuch"), "dest": str(tmp_path / "copy")})
    assert missing["failed"] and missing["rc"] == 128 and missing["msg"].startswith("fatal: ") and not (tmp_path / "copy").exists()
    call("git", {"repo": str(upstream), "dest": str(tmp_path / "copy")})
    other = call("git", {"repo": str(upstream), "dest": str(tmp_path / "copy"), "remote": "other"})
    assert other["msg"] == f"Failed to set a new url file://{upstream} for other:  error: No such remote 'other'\n"

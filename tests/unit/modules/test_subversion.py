"""Proves subversion with an svn of the test's own: checkout, update, export, local changes, check mode, a password by standard input."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.module_calls import Call

# The copy is at the revision in `at`, the repository at the one in `head`.
SVN = r"""#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/calls"
case "$*" in *--password-from-stdin*) cat >"$here/password" ;; esac
for last; do :; done
case "$*" in
*" info -r "*) printf 'URL: repo\nRevision: %s\n' "$(cat "$here/head")" ;;
*" info "*) [ -e "$last/.svn" ] || exit 1; printf 'URL: repo\nRevision: %s\n' "$(cat "$here/at")" ;;
*" status "*) cat "$here/status" ;;
*" checkout "*) mkdir -p "$last/.svn"; cp "$here/head" "$here/at" ;;
*" update "*) cp "$here/head" "$here/at" ;;
*" revert "*) : >"$here/status" ;;
*" export "*) mkdir -p "$last" ;;
esac
"""


@pytest.fixture(autouse=True)
def svn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "svn").write_text(SVN)
    (tmp_path / "svn").chmod(0o755)
    (tmp_path / "head").write_text("5")
    (tmp_path / "status").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_checked_out_then_nothing_then_updated(call: Call, svn: Path) -> None:
    args = {"repo": "repo", "dest": str(svn / "copy")}
    assert call("subversion", args, check=True)["changed"] and not (svn / "copy").exists()
    five, six = ["Revision: 5", "URL: repo"], ["Revision: 6", "URL: repo"]
    assert call("subversion", args) == {"changed": True, "before": None, "after": five}
    assert call("subversion", args) == {"changed": False, "before": five, "after": five}
    (svn / "head").write_text("6")
    assert call("subversion", args, check=True)["changed"] is True and (svn / "at").read_text() == "5"
    assert call("subversion", {**args, "update": False}) == {"changed": False}
    assert call("subversion", args) == {"changed": True, "before": five, "after": six}


def test_local_changes_stay_unless_forced(call: Call, svn: Path) -> None:
    args = {"repo": "repo", "dest": str(svn / "copy")}
    call("subversion", args)
    (svn / "status").write_text("M       file\n")
    assert call("subversion", args)["msg"] == "ERROR: modified files exist in the repository."
    assert call("subversion", {**args, "force": True})["changed"] is True
    assert call("subversion", args)["changed"] is False


def test_export_and_a_password(call: Call, svn: Path) -> None:
    args = {"repo": "repo", "dest": str(svn / "out"), "export": True, "username": "u", "password": "secret", "revision": "3"}
    assert call("subversion", args)["changed"] is True
    assert (svn / "password").read_text() == "secret" and "secret" not in (svn / "calls").read_text()
    assert "export -r 3 repo" in (svn / "calls").read_text()


def test_only_asked(call: Call, svn: Path) -> None:
    """Without checkout and update the repository is asked, whether there is a copy or none."""
    args = {"repo": "repo", "dest": str(svn / "copy")}
    asked = {**args, "checkout": False, "update": False}
    assert [call("subversion", asked, check=check) for check in (True, False)] == [{"changed": False, "after": "Revision: 5"}] * 2
    assert [call("subversion", {**args, "checkout": False}, check=check) for check in (True, False)] == [{"changed": False}] * 2
    call("subversion", args)
    assert call("subversion", asked) == {"changed": False, "after": "Revision: 5"}


def test_messages(call: Call, svn: Path) -> None:
    missing = call("subversion", {"repo": "repo"})
    assert missing["msg"] == "the destination directory must be specified unless checkout=no, update=no, and export=no"
    (svn / "other").mkdir()
    other = call("subversion", {"repo": "repo", "dest": str(svn / "other")})
    assert other["msg"] == f"ERROR: {svn}/other folder already exists, but its not a subversion repository."

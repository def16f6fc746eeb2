"""Proves patch: applied once, looked at in check mode, taken back, refused where it does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.module_calls import Call

PATCH = "--- f\n+++ f\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "it.patch").write_text(PATCH)
    path = tmp_path / "f"
    path.write_text("a\nb\n")
    return path


def test_a_patch_is_applied_once_and_taken_back(call: Call, file: Path) -> None:
    args = {"src": str(file.with_name("it.patch")), "dest": str(file), "remote_src": True}
    assert call("patch", args, check=True) == {"changed": True}
    assert file.read_text() == "a\nb\n"
    assert [call("patch", args)["changed"] for _ in range(2)] == [True, False]
    assert file.read_text() == "a\nB\n"
    assert [call("patch", {**args, "state": "absent"})["changed"] for _ in range(2)] == [True, False]
    assert file.read_text() == "a\nb\n"


def test_the_file_before_is_kept_where_asked(call: Call, file: Path) -> None:
    call("patch", {"src": str(file.with_name("it.patch")), "basedir": str(file.parent), "backup": True})
    assert (file.read_text(), Path(f"{file}.~1~").read_text()) == ("a\nB\n", "a\nb\n")


def test_what_does_not_fit_fails_and_changes_nothing(call: Call, file: Path) -> None:
    file.write_text("other\n")
    done = call("patch", {"src": str(file.with_name("it.patch")), "dest": str(file)})
    assert done["failed"] and "FAILED" in done["msg"]
    assert file.read_text() == "other\n"
    assert call("patch", {"src": "/none", "dest": str(file)})["msg"] == "src /none doesn't exist or not readable"

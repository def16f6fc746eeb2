"""Proves how content gets into place: whole or not at all, with the owner and mode that were there, and shown as a diff where that helps."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from provisioner.agent import contents
from provisioner.agent.context import Context, ModuleFailed


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_keeps_its_mode_and_a_new_one_gets_the_usual(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("before")
    old.chmod(0o4750)
    mask = os.umask(0o027)
    try:
        contents.write(str(old), b"after")
        contents.write(str(new), b"after")
    finally:
        os.umask(mask)
    assert (old.read_bytes(), mode(old)) == (b"after", 0o4750)
    assert (new.read_bytes(), mode(new)) == (b"after", 0o640)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to("target")
    contents.write(str(link), b"after")
    assert link.is_symlink() and target.read_bytes() == b"after"


@pytest.mark.parametrize("step", ["fsync", "rename", "chmod"])
def test_what_goes_wrong_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "file"
    path.write_text("before")

    def full(*args: Any, **more: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(contents.os, step, full)
        with pytest.raises(ModuleFailed, match="No space left") as caught:
            contents.write(str(path), b"after")
    assert caught.value.more["errno"] == errno.ENOSPC
    assert path.read_text() == "before" and os.listdir(tmp_path) == ["file"]


def test_a_backup_has_all_that_the_file_had(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    path.chmod(0o600)
    copy = Path(contents.backup(str(path)))
    assert copy.parent == tmp_path and copy.name.startswith(f"file.{os.getpid()}.") and copy.name.endswith("~")
    assert (copy.read_text(), mode(copy)) == ("before", 0o600)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"one\n", b"two\n", {"before": "one\n", "after": "two\n"}),
        (None, b"two\n", {"before": "", "after": "two\n"}),
        (b"one\n", b"\x00", {"dst_binary": 1}),
        (b"\x00", b"two\n", {"dst_binary": 1}),
        (b"x" * (contents.DIFF_BYTES + 1), b"two\n", {"dst_larger": contents.DIFF_BYTES}),
        (b"one\n", b"x" * (contents.DIFF_BYTES + 1), {"src_larger": contents.DIFF_BYTES}),
    ],
)
def test_a_diff_shows_text_of_a_bearable_size(tmp_path: Path, before: bytes | None, after: bytes, expected: dict[str, Any]) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
    header = {"before_header": str(path), "after_header": str(path)}
    assert contents.difference(str(path), after, Context(diff=True)) == {**expected, **header}
    assert contents.difference(str(path), after, Context()) is None


def test_the_checksum_of_results(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert contents.sha1_of(str(tmp_path / "file")) == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert contents.sha1_of(str(tmp_path)) is None


@pytest.mark.parametrize("through", [True, False])
def test_links_are_followed_or_replaced(tmp_path: Path, through: bool) -> None:
    source, target, link = (tmp_path / name for name in ("source", "target", "link"))
    source.write_text("new")
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to("target")
    contents.move_into_place(str(source), str(link), through_links=through)
    assert (link.is_symlink(), link.read_text(), target.read_text()) == (through, "new", "new" if through else "old")
    assert link.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("number", "writable", "said"),
    [
        (errno.EACCES, False, "The destination directory '{}' is not writable by the current user: [Errno 13] no: '{}/x'"),
        (errno.EACCES, True, "can't write {}/file: no"),
        (errno.ENOSPC, False, "can't write {}/file: no"),
    ],
)
def test_who_may_not_write_is_told_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, writable: bool, said: str) -> None:
    def refused(**_: Any) -> None:
        raise OSError(number, "no", f"{tmp_path}/x")

    monkeypatch.setattr(contents.tempfile, "mkstemp", refused)
    monkeypatch.setattr(contents.os, "access", lambda path, mode: writable)
    with pytest.raises(ModuleFailed) as raised:
        contents.write(f"{tmp_path}/file", b"a")
    assert raised.value.msg == said.format(tmp_path, tmp_path)
    assert raised.value.more == {"errno": number}

"""The archive's bytes depend on its content alone."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from provisioner.release.archive import Entry, content_hash, read_member, write_archive

ENTRIES = [Entry("bin/x", b"#!", 0o755), Entry("lib/a.py", b"a = 1\n"), Entry("release.json", b"{}")]


def test_same_content_same_bytes(tmp_path: Path) -> None:
    write_archive(tmp_path / "one.tar.gz", ENTRIES)
    write_archive(tmp_path / "two.tar.gz", ENTRIES)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.tar.gz", "two.tar.gz"]


def test_files_are_roots_and_in_order(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar.gz", ENTRIES)
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        members = tar.getmembers()
    assert [(m.name, m.mode, m.uid, m.mtime) for m in members] == [
        ("bin/x", 0o755, 0, 0),
        ("lib/a.py", 0o644, 0, 0),
        ("release.json", 0o644, 0, 0),
    ]


def test_hash_knows_names_modes_and_contents_but_not_order() -> None:
    known = content_hash(ENTRIES)
    assert content_hash(reversed(ENTRIES)) == known
    assert content_hash([Entry("bin/x", b"#!", 0o644), *ENTRIES[1:]]) != known
    assert content_hash([Entry("bin/y", b"#!", 0o755), *ENTRIES[1:]]) != known
    assert content_hash([Entry("bin/x", b"#", 0o755), *ENTRIES[1:]]) != known


def test_one_file_is_read_back(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar.gz", [Entry("b/c", b"content"), Entry("d", b"")])
    assert read_member(tmp_path / "a.tar.gz", "b/c") == b"content"
    with pytest.raises(KeyError):
        read_member(tmp_path / "a.tar.gz", "nothing")
    (tmp_path / "bad.tar.gz").write_bytes(b"no archive")
    with pytest.raises(OSError, match="not an archive"):
        read_member(tmp_path / "bad.tar.gz", "x")

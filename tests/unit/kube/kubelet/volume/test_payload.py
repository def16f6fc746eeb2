"""Proves that a volume's files appear together, are swapped in one step, and are left alone when nothing changed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from provisioner.kube.kubelet.volume.payload import Payload, write_payload

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def put(folder: Path, **files: str) -> bool:
    return write_payload(folder, {name.replace("__", "/"): Payload(text.encode(), 0o640) for name, text in files.items()}, NOW)


def test_files_are_there_with_their_modes_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        assert put(tmp_path / "v", a="1", sub__b="2")
    finally:
        os.umask(before)
    assert (tmp_path / "v/a").read_text() == "1" and (tmp_path / "v/sub/b").read_text() == "2"
    assert (tmp_path / "v/a").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "v/sub").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "v/a").readlink() == Path("..data/a")


def test_the_same_files_change_nothing(tmp_path: Path) -> None:
    put(tmp_path, a="1")
    data = (tmp_path / "..data").readlink()
    assert not put(tmp_path, a="1")
    assert (tmp_path / "..data").readlink() == data


def test_a_change_swaps_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    put(tmp_path, a="1", old="x")
    assert put(tmp_path, a="2", new="y")
    assert (tmp_path / "a").read_text() == "2"
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("..2")) == ["..data", "a", "new"]
    assert len(list(tmp_path.glob("..2*"))) == 1


def test_an_open_reader_keeps_what_it_opened(tmp_path: Path) -> None:
    put(tmp_path, a="old")
    with (tmp_path / "a").open() as reader:
        put(tmp_path, a="new")
        assert reader.read() == "old"


def test_a_volume_with_a_group_is_the_groups(tmp_path: Path) -> None:
    write_payload(tmp_path / "v", {"d/a": Payload(b"1", 0o400)}, NOW, group=os.getgid())
    assert (tmp_path / "v/d/a").stat().st_mode & 0o777 == 0o440
    assert all(folder.stat().st_mode & 0o2000 for folder in (tmp_path / "v", tmp_path / "v/..data", tmp_path / "v/d"))

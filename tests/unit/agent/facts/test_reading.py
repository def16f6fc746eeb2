"""Proves that small files are read as text, those of the kernel's settings too, and that what cannot be read is None."""

from __future__ import annotations

from pathlib import Path

from provisioner.agent.facts import reading


def test_text_lines_and_names(tmp_path: Path) -> None:
    (tmp_path / "b").write_text(" one\ntwo \n")
    (tmp_path / "a").write_bytes(b"\xff")
    assert reading.text(str(tmp_path / "b")) == "one\ntwo"
    assert reading.lines(str(tmp_path / "b")) == ["one", "two"]
    assert reading.text(str(tmp_path / "a")) == "\ufffd"
    assert reading.names(str(tmp_path)) == ["a", "b"]


def test_settings_of_the_kernel() -> None:
    assert int(reading.text("/proc/sys/kernel/pid_max") or 0) > 0


def test_what_cannot_be_read(tmp_path: Path) -> None:
    assert reading.text(str(tmp_path)) is None
    assert reading.lines(str(tmp_path / "none")) == []
    assert reading.names(str(tmp_path / "none")) == []

"""Proves that a run's lost hosts are written where they are looked for, and that a run without any leaves no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.cli.retry_file import RetryFile
from provisioner.engine.events import PlaybookStarted, Recap
from provisioner.engine.results import HostStats

STATS = {"c": HostStats(failed=1), "a": HostStats(unreachable=1), "b": HostStats(ok=2, rescued=1)}


@pytest.mark.parametrize("folder", [None, "kept/here"])
def test_lost_hosts(tmp_path: Path, folder: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    retry = RetryFile(tmp_path / folder if folder else None)
    retry(PlaybookStarted(str(tmp_path / "site.yml")))
    retry(Recap(STATS))
    path = tmp_path / (folder or "") / "site.retry"
    assert path.read_text() == "a\nc\n"
    assert capsys.readouterr().out == f"\tto retry, use: --limit @{path}\n"


def test_nobody_lost(tmp_path: Path) -> None:
    retry = RetryFile(None)
    retry(PlaybookStarted(str(tmp_path / "site.yml")))
    retry(Recap({"b": STATS["b"]}))
    assert not list(tmp_path.iterdir())


def test_a_place_that_can_not_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    retry = RetryFile(tmp_path / "file")
    retry(PlaybookStarted("site.yml"))
    retry(Recap(STATS))
    assert "Could not create retry file" in capsys.readouterr().err

"""Proves that the log rotates by size and keeps as many old files as it should."""

from __future__ import annotations

import gzip
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from provisioner.kube.apiserver.audit.log_file import LogFile, Rotation


def settled() -> None:
    for thread in threading.enumerate():
        if thread.name == "audit log rotation":
            thread.join(10)


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_rotation_by_size_and_number(tmp_path: Path) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    log = LogFile(str(tmp_path / "audit.log"), Rotation(max_bytes=30, max_backups=2), lambda: now[0])
    for i in range(8):
        log.write(b"%019d\n" % i)
        now[0] += timedelta(seconds=1)
        settled()
    assert (tmp_path / "audit.log").read_bytes() == b"%019d\n" % 7
    assert kept(tmp_path) == ["audit-2026-01-01T00-00-06.000.log", "audit-2026-01-01T00-00-07.000.log", "audit.log"]
    assert (tmp_path / "audit.log").stat().st_mode & 0o777 == 0o600
    await log.close()


async def test_age_and_compression(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    old = tmp_path / "audit-2020-01-01T00-00-00.000.log"
    old.write_text("old")
    os.utime(old, (1, 1))
    log = LogFile(str(tmp_path / "audit.log"), Rotation(max_bytes=10, max_age_days=1, compress=True), lambda: now)
    log.write(b"first line\n")
    log.write(b"second line\n")
    settled()
    (packed,) = [path for path in tmp_path.iterdir() if path.suffix == ".gz"]
    assert gzip.decompress(packed.read_bytes()) == b"first line\n" and not old.exists()
    await log.close()

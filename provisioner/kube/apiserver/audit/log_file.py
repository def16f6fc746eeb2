"""The audit log as a file of JSON lines, rotated by size; old files go by number and age.

A line is written before the request goes on (upstream's mode "blocking"): what was answered is in the log. Its mode "batch" has less to keep.
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

log = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rotation:
    """Zero means: no limit."""

    max_bytes: int = 100 * MEGABYTE
    max_age_days: int = 0
    max_backups: int = 0
    compress: bool = False


class LogFile:
    """`path` "-" is standard output. Rotated files are called NAME-TIME.EXT, and .gz where they are compressed."""

    def __init__(self, path: str, rotation: Rotation, now: Callable[[], datetime]) -> None:
        self._path, self._rotation, self._now = Path(path), rotation, now
        self._stdout = path == "-"
        self._file, self._size = -1, 0
        self._failed = False
        if not self._stdout:
            self._open()

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._file).st_size

    def write(self, line: bytes) -> bool:
        """One event; `line` ends with a newline. A log that can't be written is said once, until it can be again."""
        try:
            if self._stdout:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
                return True
            if self._rotation.max_bytes and self._size and self._size + len(line) > self._rotation.max_bytes:
                self._rotate()
            self._size += os.write(self._file, line)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.error("audit log can't be written path=%s: %s", self._path, error)
            self._failed = True
        return not self._failed

    def _rotate(self) -> None:
        os.close(self._file)
        stamp = self._now().strftime("%Y-%m-%dT%H-%M-%S.%f")[:-3]
        kept = self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}")
        self._path.rename(kept)
        self._open()
        # Beside the requests: packing 100 MB takes seconds.
        threading.Thread(target=self._tidy, args=(kept,), name="audit log rotation", daemon=True).start()

    def _tidy(self, rotated: Path) -> None:
        try:
            if self._rotation.compress:
                with rotated.open("rb") as source, gzip.open(f"{rotated}.gz", "wb") as packed:
                    shutil.copyfileobj(source, packed)
                rotated.unlink()
            self._clean()
        except OSError as error:
            log.error("rotated audit log can't be tidied path=%s: %s", rotated, error)

    def _clean(self) -> None:
        kept = sorted(self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}*"), reverse=True)
        oldest = self._now() - timedelta(days=self._rotation.max_age_days)
        for place, path in enumerate(kept):
            too_many = self._rotation.max_backups and place >= self._rotation.max_backups
            too_old = self._rotation.max_age_days and datetime.fromtimestamp(path.stat().st_mtime, oldest.tzinfo) < oldest
            if too_many or too_old:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()

    async def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

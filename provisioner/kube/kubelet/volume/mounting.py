"""mount(2) and umount2(2) from within this process: a volume in memory costs no process of its own."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def mount_tmpfs(path: Path, *, size_bytes: int = 0, mode: int = 0o777) -> None:
    """Raises OSError. Whoever has it mounted already gets it back as it is."""
    if path.is_mount():
        return
    options = f"mode={mode:o}" + (f",size={size_bytes}" if size_bytes else "")
    if _libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))


def unmount(path: Path) -> None:
    """Detach whatever is mounted on `path`, as many times as it is."""
    while path.is_mount():
        if _libc.umount2(os.fsencode(path), MNT_DETACH) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))

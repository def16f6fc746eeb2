"""mount(2) and umount2(2) from within this process: a volume in memory costs no process of its own."""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

MNT_DETACH = 2
# <sys/mount.h>
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
# How /proc/self/mountinfo writes spaces and their like (proc(5)).
_ESCAPE = re.compile(rb"\\([0-7]{3})")

_libc = ctypes.CDLL(None, use_errno=True)


def mount_tmpfs(path: Path, *, size_bytes: int = 0, mode: int = 0o777) -> None:
    """Raises OSError. Whoever has it mounted already gets it back as it is."""
    if path.is_mount():
        return
    options = f"mode={mode:o}" + (f",size={size_bytes}" if size_bytes else "")
    _mount(b"tmpfs", path, b"tmpfs", 0, options.encode())


def bind(descriptor: int, path: Path) -> None:
    """Show what is open at `path`, whatever becomes of its name. Raises OSError."""
    _mount(f"/proc/self/fd/{descriptor}".encode(), path, None, MS_BIND, None)


def unmount(folder: Path) -> None:
    """Detach whatever is mounted on or below `folder`, as many times as it is. Raises OSError: then something still is."""
    while points := mounted(folder):
        for point in reversed(points):
            # Of a group that hears of its members' mounts, what is below would go everywhere.
            _mount(None, point, None, MS_REC | MS_PRIVATE, None)
            _check(_libc.umount2(os.fsencode(point), MNT_DETACH), point)


def mounted(folder: Path) -> list[Path]:
    """Mount points on or below a folder, in the order they were mounted. Also those of the same file system, which `Path.is_mount` does not see."""
    real = folder.resolve()
    with open("/proc/self/mountinfo", "rb") as file:
        names = [line.split(b" ", 5)[4] for line in file]
    points = [Path(os.fsdecode(_ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), name))) for name in names]
    return [point for point in points if point.is_relative_to(real)]


def _mount(source: bytes | None, path: Path, kind: bytes | None, flags: int, options: bytes | None) -> None:
    _check(_libc.mount(source, os.fsencode(path), kind, ctypes.c_ulong(flags), options), path)


def _check(result: int, path: Path) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))

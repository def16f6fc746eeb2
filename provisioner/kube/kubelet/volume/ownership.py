"""Gives a volume to a pod's `fsGroup`. Source: the Kubernetes documentation "Configure volume permission and ownership change policy for Pods"."""

from __future__ import annotations

import os
import stat
from pathlib import Path

READ_WRITE, READ_ONLY = 0o660, 0o440
# What a folder has beside: its new files are the group's, too, and the group may enter it.
FOLDER = stat.S_ISGID | 0o110


def is_given(root: Path, group: int) -> bool:
    """Whether the volume's own folder is the group's already; `fsGroupChangePolicy: OnRootMismatch` looks no further."""
    found = root.stat()
    wanted = FOLDER | READ_WRITE
    return found.st_gid == group and found.st_mode & wanted == wanted


def give(path: Path | str, group: int, rights: int, *, folder: int | None = None) -> None:
    """One file or folder, in the `folder` that is open; of a link only the link, also where it becomes one meanwhile. Nobody loses rights."""
    found = os.open(path, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    try:
        if stat.S_ISLNK(os.fstat(found).st_mode):
            os.chown(path, -1, group, dir_fd=folder, follow_symlinks=False)
            return
        held = Path(f"/proc/self/fd/{found}")
        os.chown(held, -1, group)
        mode = os.fstat(found).st_mode
        held.chmod(stat.S_IMODE(mode) | rights | (FOLDER if stat.S_ISDIR(mode) else 0))
    finally:
        os.close(found)


def give_all(root: Path, group: int, rights: int) -> None:
    """A folder with everything in it. Raises OSError."""
    root = root.resolve()
    give(root, group, rights)
    for _, folders, files, opened in os.fwalk(root):
        for name in (*folders, *files):
            give(name, group, rights, folder=opened)

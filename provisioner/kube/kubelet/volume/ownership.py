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


def give(path: Path, group: int, rights: int) -> None:
    """One file or folder; of a link only the link. Nobody loses rights."""
    os.chown(path, -1, group, follow_symlinks=False)
    mode = path.lstat().st_mode
    if not stat.S_ISLNK(mode):
        path.chmod(stat.S_IMODE(mode) | rights | (FOLDER if stat.S_ISDIR(mode) else 0))


def give_all(root: Path, group: int, rights: int) -> None:
    """A folder with everything in it. Raises OSError."""
    give(root, group, rights)
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            give(Path(folder, name), group, rights)

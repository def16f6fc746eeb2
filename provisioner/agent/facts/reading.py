"""Small files of /proc, /sys and /etc, read without ever failing."""

import os
from typing import List, Optional

# Nothing that facts are read from is larger; the kernel refuses to be asked for 4 MiB or more of a file in /proc/sys.
MAX_BYTES = 1024 * 1024


def text(path: str) -> Optional[str]:
    """A file's text without the white space around it; None where it can't be read."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace").strip()
    except (OSError, ValueError):
        return None


def lines(path: str) -> List[str]:
    return (text(path) or "").splitlines()


def names(folder: str) -> List[str]:
    """What lies in a folder, sorted; nothing where there is none."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []

"""Files read whole, with an answer for those that can't be."""

import os
from typing import Any, List


def get_file_content(path: str, default: Any = None, strip: bool = True) -> Any:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except OSError:
        return default
    text = text.strip() if strip else text
    return text or default


def get_file_lines(path: str, strip: bool = True, line_sep: Any = None) -> List[str]:
    text = get_file_content(path, strip=strip)
    if not text:
        return []
    return list(text.splitlines() if line_sep is None else text.rstrip(line_sep).split(line_sep))


def get_mount_size(mountpoint: str) -> Any:
    try:
        found = os.statvfs(mountpoint)
    except OSError:
        return {}
    return {
        "size_total": found.f_frsize * found.f_blocks, "size_available": found.f_frsize * found.f_bavail, "block_size": found.f_bsize,
        "block_total": found.f_blocks, "block_available": found.f_bavail, "block_used": found.f_blocks - found.f_bavail,
        "inode_total": found.f_files, "inode_available": found.f_favail, "inode_used": found.f_files - found.f_favail,
    }  # fmt: skip

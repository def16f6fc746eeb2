"""Kinds and modes of files."""

import os
import stat
from typing import Any

S_IRWU_RG_RO = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
S_IRWXU_RXG_RXO = stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
_PERM_BITS = 0o7777
_EXEC_PERM_BITS = 0o0111
_DEFAULT_PERM = 0o0666
FILE_ATTRIBUTES = {
    "A": "noatime", "a": "append", "c": "compressed", "C": "nocow", "d": "nodump", "D": "dirsync", "e": "extents", "E": "encrypted",
    "h": "blocksize", "i": "immutable", "I": "indexed", "j": "journalled", "N": "inline", "s": "zero", "S": "synchronous", "t": "notail",
    "T": "blockroot", "u": "undelete", "X": "compressedraw", "Z": "compresseddirty",
}  # fmt: skip


def is_executable(path: Any) -> int:
    return (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH) & os.stat(path)[stat.ST_MODE]

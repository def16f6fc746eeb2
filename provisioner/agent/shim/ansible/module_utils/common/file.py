"""Kinds and modes of files."""

import os
import re
import stat
from typing import Any, Dict, List

USERS_RE = re.compile(r"[^ugo]")
PERMS_RE = re.compile(r"[^rwxXstugo]")
S_IRANY = 0o0444
S_IWANY = 0o0222
S_IXANY = 0o0111
S_IRWU_RWG_RWO = 0o0666
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


def format_attributes(attributes: str) -> List[str]:
    """Names of the file system's flags, from their letters."""
    return [FILE_ATTRIBUTES[letter] for letter in attributes if letter in FILE_ATTRIBUTES]


def get_flags_from_attributes(attributes: List[str]) -> str:
    return "".join(letter for letter, name in FILE_ATTRIBUTES.items() if name in attributes)


def get_file_arg_spec() -> Dict[str, Any]:
    return {"mode": {"type": "raw"}, "owner": {}, "group": {}, "attributes": {"aliases": ["attr"]}}

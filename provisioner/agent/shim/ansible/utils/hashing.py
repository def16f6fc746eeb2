"""Checksums, for people's own plugins."""

import hashlib
import os
from typing import Any, Callable, Optional


def secure_hash_s(data: Any, hash_func: Callable[..., Any] = hashlib.sha1) -> str:
    made = hash_func(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)
    return str(made.hexdigest())


def secure_hash(filename: str, hash_func: Callable[..., Any] = hashlib.sha1) -> Optional[str]:
    """None for what is no file."""
    if not os.path.isfile(filename):
        return None
    made = hash_func()
    with open(filename, "rb") as file:
        for block in iter(lambda: file.read(65536), b""):
            made.update(block)
    return str(made.hexdigest())


def md5s(data: Any) -> str:
    return secure_hash_s(data, hashlib.md5)


def md5(filename: str) -> Optional[str]:
    return secure_hash(filename, hashlib.md5)


checksum, checksum_s = secure_hash, secure_hash_s

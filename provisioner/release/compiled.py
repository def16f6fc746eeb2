"""Byte code for the bundle, so that a daemon's start doesn't compile thousands of lines: unchecked-hash .pyc files (PEP 552).

The bundle's folder is named after its content and never changes, hence nothing needs checking at import. Docstrings and assertions are left out
(`python -OO`): they would take each daemon some MB of memory, and ours only say what the type checker has to be told.
"""

from __future__ import annotations

import importlib.util
import py_compile
import sys
import tempfile
from pathlib import Path, PurePosixPath

OPTIMIZE = 2


def cache_name(path: str) -> str:
    """Where this Python looks for the byte code of `path`."""
    pure = PurePosixPath(path)
    return str(pure.parent / "__pycache__" / f"{pure.stem}.{sys.implementation.cache_tag}.pyc")


def compile_source(path: str, source: Path) -> bytes | None:
    """The byte code, the same bytes for the same source; None when the source isn't valid for this Python (some packages ship such)."""
    with tempfile.TemporaryDirectory(prefix="compile-") as folder:
        out = Path(folder) / "out.pyc"
        try:
            unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(source), str(out), path, doraise=True, optimize=OPTIMIZE, invalidation_mode=unchecked)
        except py_compile.PyCompileError:
            return None
        return out.read_bytes()


def magic() -> str:
    """Tells byte code formats apart, for cache keys."""
    return f"{importlib.util.MAGIC_NUMBER.hex()}-{OPTIMIZE}"

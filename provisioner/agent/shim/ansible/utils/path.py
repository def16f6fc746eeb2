"""Paths of the controller, for people's own plugins."""

import os
from typing import Any


def unfrackpath(path: str, follow: bool = True, basedir: Any = None) -> str:
    """Absolute, with variables and `~` expanded."""
    made = os.path.expanduser(os.path.expandvars(path))
    if not os.path.isabs(made):
        made = os.path.join(basedir or os.getcwd(), made)
    return os.path.realpath(made) if follow else os.path.normpath(made)


def makedirs_safe(path: str, mode: Any = None) -> None:
    os.makedirs(unfrackpath(path), mode=0o777 if mode is None else mode, exist_ok=True)


def cleanup_tmp_file(path: str, warn: bool = False) -> None:
    if os.path.isfile(path):
        os.unlink(path)

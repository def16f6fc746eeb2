"""Filters on file names, as text or on the controller."""

from __future__ import annotations

import glob
import ntpath
import os
import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provisioner.templating.errors import PluginError


def path_join(value: Any) -> str:
    if not isinstance(value, str | list | tuple):
        raise PluginError(f"|path_join expects string or sequence, got {type(value)} instead.")
    return os.path.join(value) if isinstance(value, str) else os.path.join(*value)  # noqa: PTH118 - rules of text, not of files


def common_path(value: Any) -> str:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise PluginError(f"|commonpath expects sequence, got {type(value)} instead.")
    return os.path.commonpath(value)


def file_glob(pattern: str) -> list[str]:
    return [name for name in sorted(glob.glob(pattern)) if Path(name).is_file()]  # noqa: PTH207 - the pattern may be absolute


FILTERS: dict[str, Callable[..., Any]] = {
    "basename": lambda value: posixpath.basename(value),
    "dirname": lambda value: posixpath.dirname(value),
    "expanduser": lambda value: os.path.expanduser(value),  # noqa: PTH111
    "expandvars": lambda value: os.path.expandvars(value),
    "realpath": lambda value: os.path.realpath(value),
    "normpath": lambda value: os.path.normpath(value),
    "relpath": lambda value, start=os.curdir: os.path.relpath(value, start),
    "commonpath": common_path,
    "splitext": lambda value: list(posixpath.splitext(value)),
    "path_join": path_join,
    "fileglob": file_glob,
    "win_basename": ntpath.basename,
    "win_dirname": ntpath.dirname,
    "win_splitdrive": lambda value: list(ntpath.splitdrive(value)),
}

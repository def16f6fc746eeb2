"""Puts a volume's files in place in one step, so that a reader sees either all of the old ones or all of the new.

The files lie in a folder with a time in its name, `..data` is a link to it that is swapped, and each visible name is a link through
`..data` (upstream's layout, which programs that watch for changes know).
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from provisioner.kube.kubelet.volume.ownership import READ_ONLY, give, give_all

DATA = "..data"


@dataclass(frozen=True, slots=True)
class Payload:
    """One file of a volume. `owner` is the user that it belongs to, where not root."""

    content: bytes
    mode: int
    owner: int | None = None


def write_payload(folder: Path, files: Mapping[str, Payload], now: datetime, *, group: int | None = None) -> bool:
    """Make `folder` hold exactly `files` (relative paths). Returns whether anything changed. Safe to call again after a crash."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)
    if group is not None:
        give(folder, group, READ_ONLY)
    link = folder / DATA
    current = folder / link.readlink() if link.is_symlink() else None
    if current is not None and current.is_dir() and _same(current, files):
        return False
    fresh = folder / f"..{now:%Y_%m_%d_%H_%M_%S}.{secrets.randbelow(10**9):09d}"
    fresh.mkdir()
    fresh.chmod(0o755)
    for path, payload in files.items():
        target = fresh / path
        target.parent.mkdir(parents=True, exist_ok=True)
        for parent in list(target.relative_to(fresh).parents)[:-1]:
            (fresh / parent).chmod(0o755)
        target.write_bytes(payload.content)
        target.chmod(payload.mode)
        if payload.owner is not None:
            os.chown(target, payload.owner, -1)
    if group is not None:
        give_all(fresh, group, READ_ONLY)
    swap = folder / f"{DATA}_tmp"
    swap.unlink(missing_ok=True)
    swap.symlink_to(fresh.name)
    swap.rename(link)
    _visible_links(folder, files)
    for old in folder.glob("..2*"):
        if old != fresh:
            shutil.rmtree(old, ignore_errors=True)
    return True


def _visible_links(folder: Path, files: Mapping[str, Payload]) -> None:
    tops = {path.split("/", 1)[0] for path in files}
    for top in tops:
        link = folder / top
        if not link.is_symlink():
            link.symlink_to(f"{DATA}/{top}")
    for present in folder.iterdir():
        if present.name not in tops and not present.name.startswith(".."):
            present.unlink()


def _same(current: Path, files: Mapping[str, Payload]) -> bool:
    there = {str(p.relative_to(current)) for p in current.rglob("*") if p.is_file()}
    return there == set(files) and all((current / path).read_bytes() == payload.content for path, payload in files.items())

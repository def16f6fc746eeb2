"""A folder or file of a volume, given to a container so that nobody who writes to the volume can put something else in its place meanwhile.

What is checked by name and then mounted by name can be swapped for a link in between (CVE-2017-1002101). So each step is opened without following
links, and what was opened is mounted where only we write: Docker is given that place.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from provisioner.kube.kubelet.errors import ContainerRefused, VolumeError
from provisioner.kube.kubelet.volume.contents import safe_path
from provisioner.kube.kubelet.volume.mounting import bind, unmount


def mount(volume: Path, sub_path: str, container: str, place: Path) -> Path:
    """`place`, which shows `sub_path` of the volume from now on, until it is unmounted. Raises ContainerRefused and OSError."""
    found = open_inside(volume, sub_path, container)
    try:
        unmount(place)  # from an earlier start of the container
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists() and place.is_dir() != stat.S_ISDIR(os.fstat(found).st_mode):
            place.rmdir() if place.is_dir() else place.unlink()
        if stat.S_ISDIR(os.fstat(found).st_mode):
            place.mkdir(exist_ok=True)
        else:
            place.touch()
        bind(found, place)
    finally:
        os.close(found)
    return place


def open_inside(volume: Path, sub_path: str, container: str) -> int:
    """A descriptor of `sub_path` of a volume, made where missing with the volume's own rights; what leads out of the volume is refused. The caller
    closes it.

    Folders keep what a volume's fsGroup gives to new ones: its group.
    """
    try:
        target = volume / safe_path(container, sub_path)
    except VolumeError as error:
        raise ContainerRefused("CreateContainerConfigError", f"subPath {error.message}") from error
    root, real = volume.resolve(), target.resolve()
    refused = ContainerRefused("CreateContainerConfigError", f'subpath "{sub_path}" not within volume path "{volume}"')
    if not real.is_relative_to(root):
        raise refused
    at = os.open(root, os.O_PATH)
    mode = stat.S_IMODE(os.fstat(at).st_mode)
    try:
        for part in real.relative_to(root).parts:
            below = _step(part, at, mode)
            os.close(at)
            at = below
            if stat.S_ISLNK(os.fstat(at).st_mode):  # it was none a moment ago
                raise refused
    except BaseException:
        os.close(at)
        raise
    return at


def _step(part: str, folder: int, mode: int) -> int:
    try:
        return os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        os.mkdir(part, dir_fd=folder)
        made = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        os.fchmod(made, mode)
        return made

"""A Vagrant box for libvirt: a tar archive of the disk (as it is), what it is, and defaults for a Vagrantfile."""

from __future__ import annotations

import json
import os
import struct
import tarfile
from io import BytesIO
from pathlib import Path

from provisioner.images.archive import DOCKER_ARCHITECTURES
from provisioner.images.errors import ImageError
from provisioner.machines.commands import run
from provisioner.machines.errors import CommandError, RequirementError

ARCHITECTURE = DOCKER_ARCHITECTURES["amd64"]
ADD_TIMEOUT_S = 600.0
VAGRANTFILE = """Vagrant.configure("2") do |config|
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.ssh.insert_key = false
end
"""


def write_box(disk: Path, box: Path) -> None:
    """`disk` is a qcow2 image with the user `vagrant`. The box appears whole, or not at all. It isn't packed again: the image is already."""
    with disk.open("rb") as file:
        head = file.read(32)
    if head[:4] != b"QFI\xfb":
        raise ImageError(f"{disk} is not a qcow2 image, and a box for libvirt has to be one")
    # The format wants whole GiB, at least what the disk has.
    gib = -(-struct.unpack(">Q", head[24:32])[0] // (1 << 30))
    about = {"provider": "libvirt", "format": "qcow2", "virtual_size": gib, "architecture": ARCHITECTURE, "image": disk.stem}
    box.parent.mkdir(parents=True, exist_ok=True)
    temporary = box.with_name(f".{box.name}.new")
    try:
        with tarfile.open(temporary, "w", format=tarfile.GNU_FORMAT) as archive:
            _add(archive, "metadata.json", json.dumps(about).encode())
            _add(archive, "Vagrantfile", VAGRANTFILE.encode())
            archive.add(disk, "box.img")
        temporary.replace(box)
    finally:
        temporary.unlink(missing_ok=True)


def added(name: str) -> str:
    """The image that Vagrant's box of that name was made from (its name tells what it is made of); empty when there is none of ours."""
    home = Path(os.environ.get("VAGRANT_HOME") or Path.home() / ".vagrant.d")
    for metadata in (home / "boxes" / name.replace("/", "-VAGRANTSLASH-")).glob("0/**/libvirt/metadata.json"):
        try:
            return str(json.loads(metadata.read_text()).get("image", ""))
        except (OSError, ValueError):
            return ""
    return ""


def add_box(box: Path, name: str) -> None:
    """Makes it known to Vagrant under that name, in place of an earlier one."""
    words = ["vagrant", "box", "add", "--force", "--provider", "libvirt", "--name", name, str(box)]
    try:
        run(words, timeout_s=ADD_TIMEOUT_S, env={"VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_NO_COLOR": "1"})
    except RequirementError as e:
        raise ImageError("vagrant is not installed: apt-get install vagrant vagrant-libvirt") from e
    except CommandError as e:
        raise ImageError(f"vagrant does not take the box {box}: {e.message}") from e


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o644
    archive.addfile(entry, BytesIO(data))

"""Proves that the seed's file system is one, by another program's reading of it, and by its own structure where there is none."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from provisioner.machines.libvirt.iso import SECTOR, image

FILES = {"meta-data": b"instance-id: a\n", "user-data": b"x" * 5000, "network-config": b""}


def test_descriptors_say_what_they_should() -> None:
    data = image(FILES, "cidata")
    assert len(data) % SECTOR == 0
    primary, joliet, end = (data[n * SECTOR : (n + 1) * SECTOR] for n in (16, 17, 18))
    assert (primary[:6], joliet[:6], end[:6]) == (b"\x01CD001", b"\x02CD001", b"\xffCD001")
    assert primary[40:72].rstrip() == b"cidata", "blkid and cloud-init look for this label"
    assert joliet[88:91] == b"%/E"
    assert struct.unpack("<I", primary[80:84])[0] * SECTOR == len(data)
    assert struct.unpack(">I", primary[84:88])[0] * SECTOR == len(data)


def test_names_keep_their_case_and_contents_their_place() -> None:
    data = image(FILES, "cidata")
    folder = data[24 * SECTOR : 25 * SECTOR]
    found = {}
    place = 0
    while folder[place]:
        length, name_length = folder[place], folder[place + 32]
        name = folder[place + 33 : place + 33 + name_length]
        sector, size = struct.unpack_from("<I", folder, place + 2)[0], struct.unpack_from("<I", folder, place + 10)[0]
        if name_length > 1:
            found[name.decode("utf-16-be")] = data[sector * SECTOR : sector * SECTOR + size]
        place += length
    assert found == FILES


def test_the_same_files_are_the_same_bytes() -> None:
    assert image(FILES, "cidata") == image(dict(FILES), "cidata")


def test_more_names_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="100 files do not fit"):
        image({f"file-{n}": b"" for n in range(100)}, "cidata")


def test_another_program_finds_the_label(tmp_path: Path) -> None:
    (tmp_path / "seed.iso").write_bytes(image(FILES, "cidata"))
    blkid = shutil.which("blkid") or "/usr/sbin/blkid"
    said = subprocess.run([blkid, "-p", "-o", "export", tmp_path / "seed.iso"], capture_output=True, text=True, check=True).stdout
    assert "LABEL=cidata" in said
    assert "TYPE=iso9660" in said

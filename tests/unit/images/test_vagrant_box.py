"""Proves a box's contents, and that what is no box's disk, or not taken by Vagrant, is told."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path

import pytest

from provisioner.images.errors import ImageError
from provisioner.images.vagrant_box import add_box, added, write_box


def test_a_box_holds_the_disk_and_what_it_is(tmp_path: Path) -> None:
    disk = tmp_path / "disk.qcow2"
    disk.write_bytes(b"QFI\xfb" + bytes(20) + ((3 << 30) + 1).to_bytes(8, "big") + b"the rest of it")
    write_box(disk, tmp_path / "out" / "a.box")
    with tarfile.open(tmp_path / "out" / "a.box") as archive:
        assert archive.getnames() == ["metadata.json", "Vagrantfile", "box.img"]
        about = json.load(archive.extractfile("metadata.json"))  # type: ignore[arg-type]
        image = archive.extractfile("box.img")
        assert image and image.read() == disk.read_bytes()
    assert about == {"provider": "libvirt", "format": "qcow2", "virtual_size": 4, "architecture": "amd64", "image": "disk"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.box"]


def test_another_kind_of_disk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(bytes(64))
    with pytest.raises(ImageError, match="not a qcow2 image"):
        write_box(tmp_path / "disk.raw", tmp_path / "a.box")
    assert not (tmp_path / "a.box").exists()


def test_vagrant_is_told_or_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "vagrant"
    program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/calls\n[ "$7" = good ] || {{ echo "bad box"; exit 1; }}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    add_box(tmp_path / "a.box", "good")
    assert (tmp_path / "calls").read_text() == f"box add --force --provider libvirt --name good {tmp_path}/a.box\n"
    with pytest.raises(ImageError, match=r"(?s)does not take the box.*bad box"):
        add_box(tmp_path / "a.box", "other")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ImageError, match="vagrant is not installed"):
        add_box(tmp_path / "a.box", "good")


@pytest.mark.parametrize(
    ("place", "text", "image"),
    [
        ("provision-VAGRANTSLASH-a/0/libvirt", '{"image": "bookworm-box-1"}', "bookworm-box-1"),
        ("provision-VAGRANTSLASH-a/0/amd64/libvirt", '{"image": "bookworm-box-1"}', "bookworm-box-1"),
        ("provision-VAGRANTSLASH-a/0/virtualbox", '{"image": "bookworm-box-1"}', ""),
        ("provision-VAGRANTSLASH-a/0/libvirt", '{"provider": "libvirt"}', ""),
        ("provision-VAGRANTSLASH-a/0/libvirt", "{", ""),
        ("other/0/libvirt", '{"image": "bookworm-box-1"}', ""),
    ],
)
def test_which_image_vagrant_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, text: str, image: str) -> None:
    metadata = tmp_path / "boxes" / place / "metadata.json"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(text)
    monkeypatch.setenv("VAGRANT_HOME", str(tmp_path))
    assert added("provision/a") == image

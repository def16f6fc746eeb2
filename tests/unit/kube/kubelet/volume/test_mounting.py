"""Proves that memory is mounted once, with its size, and taken away as often as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.kube.kubelet.volume.mounting import mount_tmpfs, unmount

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def test_mount_and_unmount(tmp_path: Path) -> None:
    mount_tmpfs(tmp_path, size_bytes=1024 * 1024)
    try:
        mount_tmpfs(tmp_path, size_bytes=1024 * 1024)
        found = os.statvfs(tmp_path)
        assert tmp_path.is_mount() and found.f_blocks * found.f_frsize == 1024 * 1024
    finally:
        unmount(tmp_path)
    assert not tmp_path.is_mount()
    unmount(tmp_path)


def test_an_impossible_mount_says_why(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        mount_tmpfs(tmp_path / "none")

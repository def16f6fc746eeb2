"""Proves that no subPath leads out of its volume, whoever changes it when, and that taking its place away takes no data."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.kube.kubelet.errors import ContainerRefused
from provisioner.kube.kubelet.volume import sub_paths
from provisioner.kube.kubelet.volume.mounting import mounted, unmount
from provisioner.kube.kubelet.volume.sub_paths import mount, open_inside


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "volume"
    made.mkdir()
    yield made
    unmount(tmp_path)


def opened(volume: Path, sub_path: str) -> Path:
    found = open_inside(volume, sub_path, "c")
    try:
        return Path(os.readlink(f"/proc/self/fd/{found}"))
    finally:
        os.close(found)


def test_they_stay_inside(volume: Path) -> None:
    volume.chmod(0o777)
    made = opened(volume, "a/b")
    assert made == volume / "a/b" and [stat.S_IMODE(folder.stat().st_mode) for folder in (made, made.parent)] == [0o777, 0o777]
    volume.chmod(0o2770)
    groups = opened(volume, "g/b")
    assert all(folder.stat().st_mode & 0o2000 for folder in (groups, groups.parent))
    (volume / "within").symlink_to("a/b")
    assert opened(volume, "within") == made
    (volume / "link").symlink_to("/etc")
    for bad in ("link", "../x", "/etc", "link/passwd"):
        with pytest.raises(ContainerRefused):
            opened(volume, bad)


def test_a_folder_that_becomes_a_link_after_it_was_looked_at_is_refused(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (volume / "a/b").mkdir(parents=True)
    step = sub_paths._step

    def swapped(part: str, folder: int, mode: int) -> int:
        if part == "b":
            (volume / "a/b").rmdir()
            (volume / "a/b").symlink_to("/etc")
        return step(part, folder, mode)

    monkeypatch.setattr(sub_paths, "_step", swapped)
    with pytest.raises(ContainerRefused, match='subpath "a/b" not within volume path'):
        opened(volume, "a/b")


def test_what_was_given_stays_what_it_was(volume: Path, tmp_path: Path) -> None:
    place = mount(volume, "data", "c", tmp_path / "places/0")
    (volume / "data").rename(volume / "old")
    (volume / "data").symlink_to("/etc")
    assert list(place.iterdir()) == []
    (volume / "old/file").write_text("kept")
    assert (place / "file").read_text() == "kept"


def test_places_are_given_again_and_taken_away_without_what_they_show(volume: Path, tmp_path: Path) -> None:
    """A restarted container gets its place anew, be it a file now; the same file system is no mount point to `Path.is_mount`."""
    folder = tmp_path / "place of c"
    mount(volume, "data", "c", folder / "0")
    (volume / "data/file").write_text("kept")
    mount(volume, "data/file", "c", folder / "0")
    mount(volume, "data", "c", folder / "0")
    assert mounted(folder) == [folder / "0"]
    unmount(folder)
    assert mounted(folder) == [] and list((folder / "0").iterdir()) == []
    assert (volume / "data/file").read_text() == "kept"


def test_what_is_mounted_below_what_is_shown_stays_mounted(volume: Path, tmp_path: Path) -> None:
    """A mount that is made in the volume later shows up at the place, too; only there it is taken away."""
    (volume / "data/disk").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    mount(volume, "data", "c", tmp_path / "places/0")
    mount(tmp_path, "elsewhere", "c", volume / "data/disk")
    unmount(tmp_path / "places")
    assert mounted(tmp_path) == [volume / "data/disk"]

"""Proves that a base image is there only when whole, is built once, and goes when no host stands on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.machines import rootfs
from provisioner.machines.errors import BaseImageError, CommandError


def small_tree(suite: str, mirror: str, proxy: str | None, target: Path, log: Path) -> None:
    """What _customise expects of debootstrap's work."""
    for name in ("etc/ssh/ssh_host_rsa_key", "etc/hostname", "var/log/bootstrap.log", "etc/dpkg/dpkg.cfg.d/x", "etc/apt/apt.conf.d/x"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(name)


def test_a_tree_has_no_identity_and_our_early_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "_debootstrap", small_tree)
    tree = rootfs.ensure("bookworm", "http://mirror", store=tmp_path)
    assert tree == rootfs.path_of("bookworm", tmp_path)
    assert not list(tree.glob("etc/ssh/ssh_host_*"))
    assert (tree / "etc/machine-id").read_text() == ""
    assert (tree / "usr/local/sbin/lab-host").stat().st_mode & 0o777 == 0o755
    assert (tree / "etc/systemd/system/sysinit.target.wants/lab-host.service").is_symlink()


def test_it_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "_debootstrap", small_tree)
    first = rootfs.ensure("bookworm", "http://mirror", store=tmp_path)
    monkeypatch.setattr(rootfs, "_debootstrap", None)
    assert rootfs.ensure("bookworm", "http://mirror", store=tmp_path) == first


def test_a_failed_build_leaves_nothing_and_says_where_its_log_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(suite: str, mirror: str, proxy: str | None, target: Path, log: Path) -> None:
        small_tree(suite, mirror, proxy, target, log)
        raise CommandError(["debootstrap"], 1, "E: no such suite")

    monkeypatch.setattr(rootfs, "_debootstrap", fails)
    with pytest.raises(BaseImageError, match="no such suite") as caught:
        rootfs.ensure("bookwurm", "http://mirror", store=tmp_path)
    assert ".log" in caught.value.hint
    assert [path.name for path in (tmp_path / "bases").iterdir()] == [".lock"]


def test_what_a_killed_build_left_is_no_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tmp_path / "bases" / ".building-bookworm-old"
    (left / "etc").mkdir(parents=True)
    monkeypatch.setattr(rootfs, "_debootstrap", small_tree)
    assert rootfs.ensure("bookworm", "http://mirror", store=tmp_path).is_dir()
    assert not left.exists()


def test_earlier_trees_go_unless_a_host_stands_on_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used, unused, other = (tmp_path / "bases" / name for name in ("bookworm-aaa", "bookworm-bbb", "trixie-ccc"))
    for tree in (used, unused, other):
        tree.mkdir(parents=True)
    host = tmp_path / "labs" / "1" / "web"
    host.mkdir(parents=True)
    (host / "machine.json").write_text(json.dumps({"base": str(used)}))
    monkeypatch.setattr(rootfs, "_debootstrap", small_tree)
    rootfs.ensure("bookworm", "http://mirror", store=tmp_path)
    assert used.exists() and other.exists() and not unused.exists()

"""Proves which groups and limits a host gets on each kind of computer. That they bind is proved on real hosts (tests/integration/machines)."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.machines import cgroups
from provisioner.machines.cgroups import Limits, place

LIMITS = Limits(memory_mib=512, cpus=1.5)


def computer(monkeypatch: pytest.MonkeyPatch, root: Path, mounts: list[Path], *, systemd: bool = False) -> None:
    monkeypatch.setattr(cgroups, "ROOT", root)
    monkeypatch.setattr(cgroups, "_mounts", lambda: mounts)
    monkeypatch.setattr(cgroups, "booted_with_systemd", lambda: systemd)


def group_with(folder: Path, *names: str) -> Path:
    """A control group as the kernel shows it: its controllers' files are there from the start."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("")
    return folder


def test_with_systemd_a_scope_of_its_own_has_the_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    computer(monkeypatch, tmp_path, [tmp_path], systemd=True)
    words = place("a-1234", LIMITS).wrapper
    assert words[0] == "systemd-run" and "--unit=provision-a-1234.scope" in words and words[-1] == "--"
    assert {"--property=MemoryMax=512M", "--property=CPUQuota=150%", "--property=Delegate=yes"} <= set(words)


def test_version_2_hands_down_the_controllers_that_are_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    computer(monkeypatch, tmp_path, [tmp_path])
    group = group_with(tmp_path / "provision" / "a", "memory.max", "pids.max")
    for parent, there in ((tmp_path, "cpu memory pids hugetlb"), (tmp_path / "provision", "memory pids")):
        (parent / "cgroup.controllers").write_text(there)
    assert place("a", LIMITS).join == (group,)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert (tmp_path / "provision" / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert (group / "memory.max").read_text() == str(512 << 20) and (group / "pids.max").read_text() == str(cgroups.MAX_TASKS)
    assert not (group / "cpu.max").exists(), "a controller that another hierarchy has limits nothing here"


def test_version_1_has_a_group_in_each_hierarchy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounts = [tmp_path / name for name in ("memory", "cpu", "cpuset", "systemd")]
    groups = {mount.name: mount / "provision" / "a" for mount in mounts}
    group_with(groups["memory"], "memory.limit_in_bytes")
    group_with(groups["cpu"], "cpu.cfs_quota_us")
    group_with(groups["cpuset"], "cpuset.cpus", "cpuset.mems")
    for folder, text in ((tmp_path / "cpuset", "0-1"), (tmp_path / "cpuset" / "provision", "")):
        for name in ("cpuset.cpus", "cpuset.mems"):
            (folder / name).write_text(text)
    mounts[-1].mkdir()
    computer(monkeypatch, tmp_path, mounts)
    assert place("a", LIMITS).join == tuple(groups.values())
    assert (groups["memory"] / "memory.limit_in_bytes").read_text() == str(512 << 20)
    assert (groups["cpu"] / "cpu.cfs_quota_us").read_text() == "150000"
    assert (groups["cpuset"] / "cpuset.cpus").read_text() == "0-1", "an empty set lets no process in"

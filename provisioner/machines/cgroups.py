"""Control groups of lab hosts: limits on memory and CPU, and a handle on every process a host ever started.

Three kinds of computer: one booted with systemd (a scope with its own limits is asked for), plain cgroup v2, and cgroup v1 (each controller
a hierarchy of its own, perhaps with the named `systemd` one missing, which containers need and which is then mounted).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.machines.commands import run
from provisioner.machines.processes import reference

ROOT = Path("/sys/fs/cgroup")
GROUP = "provision"
CPU_PERIOD_US = 100_000
# A sparse file system's worth of tasks for one lab host; only there to keep a fork bomb inside.
MAX_TASKS = 8192


@dataclass(frozen=True)
class Limits:
    """Bounds of one host. `cpus` may be a fraction."""

    memory_mib: int
    cpus: float


@dataclass(frozen=True)
class Placement:
    """How a host's process gets into its group: it joins `join`, and is started through the words of `wrapper`."""

    join: tuple[Path, ...] = ()
    wrapper: tuple[str, ...] = ()


def booted_with_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def place(machine: str, limits: Limits) -> Placement:
    """Make the machine's groups (existing ones get the limits again) and say how to enter them."""
    if booted_with_systemd():
        return Placement(wrapper=_scope(machine, limits))
    mounts = _hierarchies()
    if ROOT in mounts:
        return Placement(join=(_place_unified(machine, limits),))
    return Placement(join=tuple(_place_legacy(mount, machine, limits) for mount in mounts))


def remove(machine: str) -> None:
    """End whatever still runs in the machine's groups, and remove them."""
    if booted_with_systemd():
        run(["systemctl", "kill", "--signal=KILL", _scope_name(machine)], check=False)
        run(["systemctl", "stop", _scope_name(machine)], check=False)
        return
    for mount in _hierarchies():
        group = mount / GROUP / machine
        if group.is_dir():
            _empty(group)
            _remove_tree(group)


def forget() -> None:
    """Remove the folders that hold the machines' groups, where no machine is left. Nothing may be placed meanwhile (the caller's lock)."""
    if booted_with_systemd():
        return
    for mount in _mounts():
        try:
            (mount / GROUP).rmdir()
        except OSError:
            pass  # other machines live there, or it never was


def _scope(machine: str, limits: Limits) -> tuple[str, ...]:
    properties = [f"MemoryMax={limits.memory_mib}M", f"CPUQuota={limits.cpus * 100:.0f}%", f"TasksMax={MAX_TASKS}", "Delegate=yes"]
    words = ["systemd-run", "--scope", "--quiet", "--collect", "--slice=machine.slice", f"--unit={_scope_name(machine)}"]
    return (*words, *(f"--property={p}" for p in properties), "--")


def _scope_name(machine: str) -> str:
    return f"provision-{machine}.scope"


def _hierarchies() -> list[Path]:
    """Where control groups are mounted; [ROOT] alone means cgroup v2."""
    mounts = _mounts()
    if not mounts:
        run(["mount", "-t", "cgroup2", "cgroup2", ROOT])
        mounts = _mounts()
    if ROOT not in mounts and ROOT / "systemd" not in mounts:
        (ROOT / "systemd").mkdir(exist_ok=True)
        run(["mount", "-t", "cgroup", "-o", "none,name=systemd", "cgroup", ROOT / "systemd"])
        mounts = _mounts()
    return [ROOT] if ROOT in mounts else mounts


def _mounts() -> list[Path]:
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, target, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2") and Path(target).is_relative_to(ROOT) and Path(target) not in found:
            found.append(Path(target))
    return found


def _place_unified(machine: str, limits: Limits) -> Path:
    group = ROOT / GROUP / machine
    group.mkdir(parents=True, exist_ok=True)
    wanted = {"cpu", "memory", "pids", "io", "cpuset"}
    for parent in (ROOT, ROOT / GROUP):
        available = set((parent / "cgroup.controllers").read_text().split())
        (parent / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in sorted(wanted & available)))
    _limit(group, {"memory.max": str(limits.memory_mib << 20), "cpu.max": f"{int(limits.cpus * CPU_PERIOD_US)} {CPU_PERIOD_US}"})
    return group


def _place_legacy(mount: Path, machine: str, limits: Limits) -> Path:
    parent, group = mount / GROUP, mount / GROUP / machine
    for folder in (parent, group):
        folder.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group, which lets no process in
            if (folder / name).exists() and not (folder / name).read_text().strip():
                (folder / name).write_text((folder.parent / name).read_text())
    values = {
        "memory.limit_in_bytes": str(limits.memory_mib << 20),
        "cpu.cfs_quota_us": str(int(limits.cpus * CPU_PERIOD_US)),
    }
    _limit(group, values)
    return group


def _limit(group: Path, values: Mapping[str, str]) -> None:
    """Where a controller is not there (another version of control groups may have it), its limit is nobody's."""
    for name, value in {**values, "pids.max": str(MAX_TASKS)}.items():
        if (group / name).exists():
            (group / name).write_text(value)


def _members(group: Path) -> list[int]:
    pids: list[int] = []
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            pids += [int(pid) for pid in Path(folder, "cgroup.procs").read_text().split()]
        except OSError:
            continue
    return pids


def _empty(group: Path, timeout_s: float = 10.0) -> None:
    """Kill every process in the group; pids 0 (of another pid namespace) and our own are never there by right, and skipped."""
    deadline = time.monotonic() + timeout_s
    while (pids := [pid for pid in _members(group) if pid not in (0, os.getpid())]) and time.monotonic() < deadline:
        found = [process for pid in pids if (process := reference(pid))]
        for process in found:
            process.signal(signal.SIGKILL)
        for process in found:
            process.wait(max(0.0, min(1.0, deadline - time.monotonic())))


def _remove_tree(group: Path, timeout_s: float = 5.0) -> None:
    """Directories of a control group go from the leaves up; the kernel may need a moment to let go of an ended process."""
    deadline = time.monotonic() + timeout_s
    while group.is_dir():
        for folder, _, _ in os.walk(group, topdown=False):
            try:
                Path(folder).rmdir()
            except OSError:
                continue
        if time.monotonic() > deadline:
            return
        if group.is_dir():
            time.sleep(0.02)

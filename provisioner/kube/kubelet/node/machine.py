"""Facts about the host, from /proc and /sys."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64"}


@dataclass(frozen=True, slots=True)
class Machine:
    """What doesn't change while the host runs. Sizes in bytes."""

    hostname: str
    cpus: int
    memory_bytes: int
    disk_bytes: int
    architecture: str
    kernel: str
    os_image: str
    machine_id: str
    boot_id: str
    system_uuid: str


def read_machine(root_dir: Path) -> Machine:
    """The facts of this host; the disk is the one that `root_dir` lies on."""
    return Machine(
        hostname=platform.node().lower(),
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=min(meminfo()["MemTotal"], cgroup_limit()),
        disk_bytes=shutil.disk_usage(root_dir).total,
        architecture=ARCHITECTURES.get(platform.machine(), platform.machine()),
        kernel=platform.release(),
        os_image=_os_image(),
        machine_id=_text("/etc/machine-id") or _text("/var/lib/dbus/machine-id"),
        boot_id=_text("/proc/sys/kernel/random/boot_id"),
        system_uuid=_text("/sys/class/dmi/id/product_uuid") or _text("/etc/machine-id"),
    )


def meminfo() -> dict[str, int]:
    """/proc/meminfo in bytes."""
    found = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        found[name] = int(value.split()[0]) * 1024
    return found


def cgroup_limit() -> int:
    """The memory limit of the whole host where it is a container itself; a huge number where there is none."""
    for path in ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"):
        text = _text(path)
        if text.isdigit():
            return int(text)
    return 1 << 62


def memory_total() -> int:
    """Bytes of memory that this host may use."""
    return min(meminfo()["MemTotal"], cgroup_limit())


def memory_available() -> int:
    """Bytes that can be used without swapping; where the host is a container with a limit, without reaching it."""
    free = meminfo()["MemAvailable"]
    return min(free, max(0, cgroup_limit() - cgroup_working_set())) if is_limited() else free


def is_limited() -> bool:
    """Whether this host is a container with a memory limit of its own: then /proc tells of the computer around it."""
    return cgroup_limit() < 1 << 60


def cgroup_cpu_ns() -> int | None:
    """CPU time that this host has used, by its own cgroup; None where there is no account."""
    text = _text("/sys/fs/cgroup/cpuacct/cpuacct.usage")
    if text.isdigit():
        return int(text)
    for line in _text("/sys/fs/cgroup/cpu.stat").splitlines():
        if line.startswith("usage_usec "):
            return int(line.split()[1]) * 1000
    return None


def cgroup_working_set() -> int:
    """Bytes that count against the host's own limit and can't be taken back at once."""
    for used, stat, key in (
        ("memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
        ("memory.current", "memory.stat", "inactive_file"),
    ):
        text = _text(f"/sys/fs/cgroup/{used}")
        if text.isdigit():
            lines = dict(line.split() for line in _text(f"/sys/fs/cgroup/{stat}").splitlines() if line.count(" ") == 1)
            return max(0, int(text) - int(lines.get(key, 0)))
    return 0


def _os_image() -> str:
    for line in _text("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "Linux"


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""

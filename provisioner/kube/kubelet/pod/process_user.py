"""Who a container's first process is: its user, its group and its other groups, for the container's status."""

from __future__ import annotations

from pathlib import Path

from provisioner.kube.api._generated import core_v1


def user_of(pid: int, proc: Path = Path("/proc")) -> core_v1.ContainerUser | None:
    """By /proc/PID/status, whose second numbers are the effective ones; None for a process that is gone."""
    if not pid:
        return None
    try:
        lines = (proc / str(pid) / "status").read_text().splitlines()
    except OSError:
        return None
    fields = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    if not {"Uid", "Gid", "Groups"} <= set(fields):
        return None
    uid, gid = int(fields["Uid"][1]), int(fields["Gid"][1])
    groups = sorted({gid, *map(int, fields["Groups"])})
    return core_v1.ContainerUser(linux=core_v1.LinuxContainerUser(uid=uid, gid=gid, supplemental_groups=groups))

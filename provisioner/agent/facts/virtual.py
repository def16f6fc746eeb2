"""Whether the host is a guest (a machine, a container) or has guests."""

import os
from typing import Any, Callable, Dict, List, Tuple

from provisioner.agent.facts import reading

# (file below /sys/class/dmi/id, its beginning, technology)
_FIRMWARE = (
    ("product_name", "KVM", "kvm"),
    ("product_name", "Bochs", "kvm"),
    ("product_name", "AHV", "kvm"),
    ("product_name", "Google Compute Engine", "kvm"),
    ("product_name", "OpenStack", "openstack"),
    ("product_name", "RHEV Hypervisor", "RHEV"),
    ("product_name", "oVirt", "oVirt"),
    ("product_name", "VMware", "VMware"),
    ("product_name", "HVM domU", "xen"),
    ("product_name", "Virtual Machine", "VirtualPC"),
    ("bios_vendor", "Xen", "xen"),
    ("bios_vendor", "innotek GmbH", "virtualbox"),
    ("bios_vendor", "Amazon EC2", "kvm"),
    ("bios_vendor", "Hetzner", "kvm"),
    ("sys_vendor", "QEMU", "kvm"),
    ("sys_vendor", "oVirt", "oVirt"),
    ("sys_vendor", "Red Hat", "kvm"),
    ("sys_vendor", "Parallels Software International Inc.", "parallels"),
    ("sys_vendor", "OpenStack Foundation", "openstack"),
    ("sys_vendor", "Amazon EC2", "kvm"),
    ("sys_vendor", "DigitalOcean", "kvm"),
    ("sys_vendor", "Nutanix", "kvm"),
)


def collect() -> Dict[str, Any]:
    groups, environment, written = (reading.text(path) or "" for path in ("/proc/1/cgroup", "/proc/1/environ", "/run/systemd/container"))
    inside = containers(groups, environment, written)
    machines = _machines()
    guest = sorted(set(inside + machines + (["container"] if inside else [])))
    hosting = _hosting()
    kind, role = "NA", "NA"
    if inside or machines:
        kind, role = (inside + machines)[0], "guest"
    elif hosting:
        kind, role = hosting[0], "host"
    return {
        "virtualization_type": kind,
        "virtualization_role": role,
        "virtualization_tech_guest": guest,
        "virtualization_tech_host": sorted(hosting),
    }


def containers(groups: str, environment: str, written: str, there: Callable[[str], bool] = os.path.exists) -> List[str]:
    """Kinds of container by the first process's control groups and environment, by what systemd wrote down, and by files that are there."""
    told = [part[len("container=") :] for part in environment.split("\0") if part.startswith("container=")]
    names = [*told, written]
    found = [
        name
        for name, when in (
            ("docker", there("/.dockerenv") or "/docker" in groups),
            ("podman", "podman" in names or there("/run/.containerenv")),
            ("lxc", "/lxc/" in groups or any(name.startswith("lxc") for name in names)),
            ("containerd", "kubepods" in groups or "containerd" in groups),
            ("openvz", there("/proc/vz") and not there("/proc/bc")),
            # Whatever says that it is one: by that word first, then by its own.
            ("container", any(told)),
            (written, bool(written)),
        )
        if when
    ]
    return list(dict.fromkeys(found))


def _machines() -> List[str]:
    found = []
    for name, beginning, technology in _FIRMWARE:
        if (reading.text("/sys/class/dmi/id/" + name) or "").startswith(beginning) and technology not in found:
            found.append(technology)
    if os.path.isdir("/proc/xen") and "control_d" not in (reading.text("/proc/xen/capabilities") or ""):
        found.append("xen")
    cpus = reading.text("/proc/cpuinfo") or ""
    if not found and "QEMU Virtual CPU" in cpus:
        found.append("kvm")
    return found


def _hosting() -> List[str]:
    modules = [line.split(" ")[0] for line in reading.lines("/proc/modules")]
    wanted: Tuple[Tuple[str, bool], ...] = (
        ("kvm", os.path.exists("/dev/kvm") or "kvm" in modules),
        ("virtualbox", "vboxdrv" in modules),
        ("openvz", os.path.isdir("/proc/vz") and os.path.isdir("/proc/bc")),
        ("xen", "control_d" in (reading.text("/proc/xen/capabilities") or "")),
    )
    return [name for name, there in wanted if there]

"""Whether the host is a guest (a machine, a container) or has guests."""

import os
from typing import Any, Dict, List, Tuple

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
    containers, machines = _containers(), _machines()
    guest = sorted(set(containers + machines + (["container"] if containers else [])))
    hosting = _hosting()
    kind, role = "NA", "NA"
    if containers or machines:
        kind, role = (containers + machines)[0], "guest"
    elif hosting:
        kind, role = hosting[0], "host"
    return {
        "virtualization_type": kind,
        "virtualization_role": role,
        "virtualization_tech_guest": guest,
        "virtualization_tech_host": sorted(hosting),
    }


def _containers() -> List[str]:
    found = []
    groups = reading.text("/proc/1/cgroup") or ""
    environment = reading.text("/proc/1/environ") or ""
    told = [part[len("container=") :] for part in environment.split("\0") if part.startswith("container=")]
    told += [reading.text("/run/systemd/container") or ""]
    for name, when in (
        ("docker", os.path.exists("/.dockerenv") or "/docker" in groups),
        ("podman", "podman" in told or os.path.exists("/run/.containerenv")),
        ("lxc", "/lxc/" in groups or any(t.startswith("lxc") for t in told)),
        ("containerd", "kubepods" in groups or "containerd" in groups),
        ("openvz", os.path.isdir("/proc/vz") and not os.path.isdir("/proc/bc")),
        ("systemd-nspawn", "systemd-nspawn" in told),
    ):
        if when:
            # Ansible has no word of its own for systemd-nspawn: such a host is just a container.
            found.append("container" if name == "systemd-nspawn" else name)
    if not found and any(told):
        found.append("container")
    return found


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

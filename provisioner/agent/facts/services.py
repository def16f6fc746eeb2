"""What manages the host's packages and services, and what guards it: pkg_mgr, service_mgr, SELinux, AppArmor, capabilities, chroot."""

import ctypes
import os
import shutil
import subprocess
from typing import Any, Dict, List

from provisioner.agent.facts import distribution, reading

_MANAGERS = (
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/yum", "yum"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/bin/pacman", "pacman"),
    ("/sbin/apk", "apk"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/sbin/pkg", "pkgng"),
)
_PROGRAM_TIMEOUT_S = 10  # a guess: it takes a few milliseconds
_PREFERRED = {
    "Debian": ("apt",),
    "RedHat": ("dnf5", "dnf", "yum"),
    "Suse": ("zypper",),
    "Alpine": ("apk",),
    "Archlinux": ("pacman",),
}


def package_manager() -> Dict[str, Any]:
    there = [name for path, name in _MANAGERS if os.path.exists(path)]
    family = distribution.collect()["os_family"]
    for name in _PREFERRED.get(family, ()):
        if name in there:
            return {"pkg_mgr": name}
    return {"pkg_mgr": there[0] if there else "unknown"}


def systemd() -> Dict[str, Any]:
    """Its version, and what it was built with; nothing where it is not what runs the host."""
    if service_manager()["service_mgr"] != "systemd":
        return {}
    try:
        told = subprocess.run(["systemctl", "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PROGRAM_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        return {}
    return told_systemd(told.stdout.decode("utf-8", "replace"))


def told_systemd(text: str) -> Dict[str, Any]:
    """`systemd 252 (252.39-1)`, and on the second line the features."""
    lines = text.splitlines()
    words = lines[0].split() if lines else []
    if len(lines) < 2 or len(words) < 2 or not words[1].isdigit():
        return {}
    return {"systemd": {"version": int(words[1]), "features": lines[1]}}


def service_manager(root: str = "") -> Dict[str, Any]:
    """By the first process; where that is a shell (in a container, a chroot) or just `init`, by what is installed. Below `root`."""
    link = os.readlink(root + "/sbin/init") if os.path.islink(root + "/sbin/init") else ""
    first = os.path.basename(reading.text(root + "/proc/1/comm") or link)
    if first and first != "init" and not first.endswith("sh"):
        return {"service_mgr": {"procd": "openwrt_init", "runit-init": "runit", "openrc-init": "openrc", "svscan": "svc"}.get(first, first)}

    def there(*paths: str) -> bool:
        return any(os.path.exists(root + path) for path in paths)

    systemctl = shutil.which("systemctl") is not None
    candidates = (
        ("systemd", systemctl and there("/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd")),
        ("upstart", there("/etc/init") and shutil.which("initctl") is not None),
        ("openrc", there("/sbin/openrc")),
        ("systemd", systemctl and os.path.basename(link) == "systemd"),
        ("sysvinit", there("/etc/init.d")),
        ("dinit", there("/etc/dinit.d")),
    )
    return {"service_mgr": next((name for name, good in candidates if good), "service")}


def selinux() -> Dict[str, Any]:
    try:
        ctypes.CDLL("libselinux.so.1")
    except OSError:
        return {"selinux_python_present": False, "selinux": {"status": "Missing selinux Python library"}}
    if not os.path.isdir("/sys/fs/selinux") or reading.text("/sys/fs/selinux/policyvers") is None:
        return {"selinux_python_present": True, "selinux": {"status": "disabled"}}
    settings = dict(line.split("=", 1) for line in reading.lines("/etc/selinux/config") if "=" in line and not line.startswith("#"))
    return {
        "selinux_python_present": True,
        "selinux": {
            "status": "enabled",
            "policyvers": int(reading.text("/sys/fs/selinux/policyvers") or 0),
            "config_mode": settings.get("SELINUX", "unknown").strip(),
            "mode": {"1": "enforcing", "0": "permissive"}.get(reading.text("/sys/fs/selinux/enforce") or "", "unknown"),
            "type": settings.get("SELINUXTYPE", "unknown").strip(),
        },
    }


def apparmor() -> Dict[str, Any]:
    return {"apparmor": {"status": "enabled" if os.path.exists("/sys/kernel/security/apparmor") else "disabled"}}


def capabilities() -> Dict[str, Any]:
    """Enforced is "False" where this process may do everything. Else, as for Ansible, what capsh writes after the first equals sign."""
    capsh = shutil.which("capsh")
    if capsh is None:
        return {}
    fields = dict(line.split(":\t", 1) for line in reading.lines("/proc/self/status") if ":\t" in line)
    everything = (1 << (int(reading.text("/proc/sys/kernel/cap_last_cap") or 0) + 1)) - 1
    if int(fields.get("CapEff", "0"), 16) & everything == everything:
        return {"system_capabilities_enforced": "False", "system_capabilities": []}
    try:
        done = subprocess.run(
            [capsh, "--print"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PROGRAM_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return parsed_capabilities(done.stdout.decode(errors="replace"))


def parsed_capabilities(told: str) -> Dict[str, Any]:
    """Facts from what `capsh --print` tells."""
    enforced = "NA"
    names: List[str] = []
    for line in told.splitlines():
        if line.startswith("Current:"):
            current = line.split(":", 1)[1].strip()
            enforced = "False" if current == "=ep" else "True"
            names = [] if current == "=ep" else [name.strip() for name in current.partition("=")[2].split("=")[0].split(",")]
    return {"system_capabilities_enforced": enforced, "system_capabilities": names}


def chroot() -> Dict[str, Any]:
    if os.environ.get("debian_chroot"):
        return {"is_chroot": True}
    try:
        ours, first = os.stat("/"), os.stat("/proc/1/root/.")
        return {"is_chroot": (ours.st_ino, ours.st_dev) != (first.st_ino, first.st_dev)}
    except OSError:
        # Without the right to ask: the root of most file systems is inode 2, of btrfs and xfs others.
        return {"is_chroot": os.stat("/").st_ino not in (2, 128, 256, 1)}

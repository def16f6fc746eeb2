"""The distribution of the host: name, versions and family, from os-release and each family's own version file."""

import os
import re
import shlex
from typing import Any, Dict

from provisioner.agent.facts import reading

# ID of os-release: (Ansible's name, family)
_KNOWN = {
    "debian": ("Debian", "Debian"),
    "ubuntu": ("Ubuntu", "Debian"),
    "linuxmint": ("Linux Mint", "Debian"),
    "raspbian": ("Debian", "Debian"),
    "kali": ("Kali", "Debian"),
    "pop": ("Pop!_OS", "Debian"),
    "devuan": ("Devuan", "Debian"),
    "rhel": ("RedHat", "RedHat"),
    "centos": ("CentOS", "RedHat"),
    "rocky": ("Rocky", "RedHat"),
    "almalinux": ("AlmaLinux", "RedHat"),
    "ol": ("OracleLinux", "RedHat"),
    "fedora": ("Fedora", "RedHat"),
    "amzn": ("Amazon", "RedHat"),
    "openeuler": ("openEuler", "RedHat"),
    "opensuse-leap": ("openSUSE Leap", "Suse"),
    "opensuse-tumbleweed": ("openSUSE Tumbleweed", "Suse"),
    "sles": ("SLES", "Suse"),
    "alpine": ("Alpine", "Alpine"),
    "arch": ("Archlinux", "Archlinux"),
    "manjaro": ("Archlinux", "Archlinux"),
    "gentoo": ("Gentoo", "Gentoo"),
    "void": ("Void", "Void"),
    "nixos": ("NixOS", "NixOS"),
}
_VERSION_FILES = {"RedHat": "/etc/redhat-release", "Alpine": "/etc/alpine-release", "Archlinux": "/etc/arch-release"}


def os_release(path: str = "/etc/os-release") -> Dict[str, str]:
    """The settings of an os-release file, unquoted."""
    found = {}
    for line in reading.lines(path) or reading.lines("/usr/lib/os-release"):
        key, sign, value = line.partition("=")
        if sign and not key.startswith("#"):
            try:
                words = shlex.split(value)
            except ValueError:
                words = [value]
            found[key.strip()] = words[0] if words else ""
    return found


def collect(root: str = "/") -> Dict[str, Any]:
    settings = os_release(os.path.join(root, "etc/os-release"))
    identity = settings.get("ID", "")
    name, family = _KNOWN.get(identity, ("", ""))
    if not name:
        for parent in settings.get("ID_LIKE", "").split():
            family = family or _KNOWN.get(parent, ("", ""))[1]
        name = settings.get("NAME") or "NA"
        family = family or name
    version = settings.get("VERSION_ID", "")
    precise = _precise(root, identity)
    if precise and (not version or precise.split(".")[0] == version.split(".")[0]):
        version = precise
    release = settings.get("VERSION_CODENAME") or settings.get("UBUNTU_CODENAME") or _in_parentheses(settings.get("VERSION", ""))
    parts = version.split(".")
    facts = {
        "distribution": name,
        "distribution_release": release or "NA",
        "distribution_version": version or "NA",
        "distribution_major_version": parts[0] or "NA",
        "distribution_file_path": _path(root, family),
        "distribution_file_variety": family if family != "RedHat" or name in ("RedHat", "Fedora", "Amazon") else name,
        "distribution_file_parsed": bool(settings),
    }
    if len(parts) > 1:
        facts["distribution_minor_version"] = parts[1]
    facts["os_family"] = family or name
    return facts


def _precise(root: str, identity: str) -> str:
    """A version that says more than os-release does."""
    if identity in ("debian", "raspbian"):
        found = reading.text(os.path.join(root, "etc/debian_version")) or ""
        return found if re.match(r"^\d+(\.\d+)*$", found) else ""
    if identity in ("centos", "rocky", "almalinux"):
        found = reading.text(os.path.join(root, "etc/redhat-release")) or ""
        number = re.search(r"release\s+(\d+(?:\.\d+)?)", found)
        return number.group(1) if number else ""
    return ""


def _path(root: str, family: str) -> str:
    own = _VERSION_FILES.get(family)
    if own and os.path.exists(os.path.join(root, own.lstrip("/"))):
        return own
    return "/etc/os-release"


def _in_parentheses(text: str) -> str:
    found = re.search(r"\(([^)]+)\)", text)
    return found.group(1) if found else ""

"""service_facts: the host's services with their states, by name, as the fact `services`."""

import os
import re
from typing import Any, Dict

from provisioner.agent.context import Context

ARGUMENTS: Dict[str, Any] = {}
_SYSV = re.compile(r"^\s*\[\s*(\+|-|\?)\s*\]\s+(\S.*)$")
_BAD = ("not-found", "masked", "failed", "error", "bad-setting")


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    services: Dict[str, Any] = {}
    if os.path.exists("/usr/sbin/service") and not os.path.exists("/sbin/chkconfig"):
        _, out, _ = context.run(["/usr/sbin/service", "--status-all"])
        services.update(sysv(out))
    if os.path.isdir("/run/systemd/system"):
        systemctl = context.which("systemctl")
        common = ["--no-pager", "--type", "service", "--all", "--plain", "--no-legend"]
        _, units, _ = context.run([systemctl, "list-units", *common])
        _, files, _ = context.run([systemctl, "list-unit-files", *common])
        services.update(systemd(units, files))
    if not services:
        return {
            "changed": False,
            "skipped": True,
            "msg": "Failed to find any services. This can be due to privileges or some other configuration issue.",
        }
    return {"changed": False, "ansible_facts": {"services": services}}


def sysv(out: str) -> Dict[str, Any]:
    """What `service --status-all` says: [ + ] runs, [ - ] does not, [ ? ] can't tell."""
    found = {}
    for line in out.splitlines():
        match = _SYSV.match(line)
        if match:
            name = match.group(2).strip()
            found[name] = {"name": name, "state": "running" if match.group(1) == "+" else "stopped", "source": "sysv"}
    return found


def systemd(units: str, files: str) -> Dict[str, Any]:
    """Loaded units run or are stopped; those that only have a file are inactive, and templates unknown."""
    found: Dict[str, Any] = {}
    for line in units.splitlines():
        fields = line.split(None, 4)
        if len(fields) < 4:
            continue
        name, load, active, sub = fields[:4]
        state = "running" if sub == "running" else "stopped"
        status = next((word for word in (load, active) if word in _BAD), "unknown")
        found[name] = {"name": name, "state": state, "status": status, "source": "systemd"}
    for line in files.splitlines():
        fields = line.split()
        if len(fields) < 2:
            continue
        name, status = fields[:2]
        if name in found:
            if found[name]["status"] not in ("not-found", "failed"):
                found[name]["status"] = status
        else:
            found[name] = {"name": name, "state": "unknown" if "@." in name else "inactive", "status": status, "source": "systemd"}
    return found

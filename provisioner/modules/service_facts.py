"""service_facts: the host's services with their states, by name, as the fact `services`."""

import os
import re
from typing import Any, Callable, Dict, List

from provisioner.agent.context import Context

ARGUMENTS: Dict[str, Any] = {}
_SYSV = re.compile(r"^\s*\[ (\+|-) \]\s+(\S.*)$")
_BAD = ("not-found", "masked", "failed")


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
        services.update(systemd(units, files, lambda names: _active(systemctl, names, context)))
    if not services:
        return {
            "changed": False,
            "skipped": True,
            "msg": "Failed to find any services. This can be due to privileges or some other configuration issue.",
        }
    return {"changed": False, "ansible_facts": {"services": services}}


def sysv(out: str) -> Dict[str, Any]:
    """What `service --status-all` says: [ + ] runs, [ - ] does not; [ ? ] can't tell, and is left out."""
    found = {}
    for line in out.splitlines():
        match = _SYSV.match(line)
        if match:
            name = match.group(2).strip()
            found[name] = {"name": name, "state": "running" if match.group(1) == "+" else "stopped", "source": "sysv"}
    return found


def systemd(units: str, files: str, active: Callable[[List[str]], Dict[str, str]]) -> Dict[str, Any]:
    """Loaded units run or are stopped; `active` asks for the state of those that only have a file, of which templates have none."""
    found: Dict[str, Any] = {}
    for line in units.splitlines():
        fields = line.split(None, 4)
        if len(fields) < 4:
            continue
        name, load, state, sub = fields[:4]
        status = next((word for word in (load, state, sub) if word in _BAD), state)
        found[name] = {"name": name, "state": "running" if sub == "running" else "stopped", "status": status, "source": "systemd"}
    others: Dict[str, str] = {}
    for line in files.splitlines():
        fields = line.split()
        if len(fields) < 2:
            continue
        name, status = fields[:2]
        if name not in found:
            others[name] = status
        elif found[name]["status"] not in _BAD:
            found[name]["status"] = status
    states = active([name for name in others if "@." not in name]) if others else {}
    for name, status in others.items():
        found[name] = {"name": name, "state": states.get(name, "unknown"), "status": status, "source": "systemd"}
    return found


def _active(systemctl: str, names: List[str], context: Context) -> Dict[str, str]:
    """ActiveState by unit, an alias having that of what it stands for: one paragraph each, in the order in which they are asked for."""
    _, out, _ = context.run([systemctl, "show", "--property=ActiveState", "--", *names])
    states = [part.strip().partition("=")[2] for part in out.split("\n\n")]
    return {name: states[number] for number, name in enumerate(names)} if len(states) == len(names) else {}

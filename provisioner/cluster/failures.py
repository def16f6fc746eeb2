"""Which class a failed task's error belongs to, and what to do about it. No I/O.

The classes: `connect` (and the transport's own: resolve, host key, authenticate, sudo, python), `disk`, `package`, `unit`, `health`, `command`,
and `task` for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.cluster.results import message_of

UNIT_ACTIONS = ("systemd", "systemd_service", "service")
PACKAGE_ACTIONS = ("apt", "package", "apt_repository", "apt_key")
COMMAND_ACTIONS = ("command", "shell", "script", "raw")
DISK_FULL = re.compile(r"No space left on device|not enough free space|don't have enough free space|Disk quota exceeded|\bENOSPC\b")
# What apt says, and what helps. The first that fits counts.
PACKAGE_HINTS = (
    (r"lock was not free", "wait for that process, or end it; then run again"),
    (
        r"Temporary failure resolving|Could not resolve|Unable to connect|Connection timed out|Could not connect|Connection refused",
        "the host can't reach its package source: set cluster.packages.proxy or cluster.packages.mirror in the inventory",
    ),
    (r"Unable to locate package|has no installation candidate|No package matching", "look at the host's /etc/apt/sources.list.d"),
    (
        r"Hash Sum mismatch|is not signed|NO_PUBKEY|Release file .* is not valid yet",
        "the package source is out of step: try again, or another",
    ),
    (
        r"dpkg was interrupted|unmet dependencies|broken packages|needs to be reinstalled",
        "run on the host: dpkg --configure -a; apt-get -f install",
    ),
)


@dataclass(frozen=True)
class Failure:
    """`unit` is the systemd unit whose journal says more; empty when none does."""

    kind: str
    text: str
    hint: str = ""
    unit: str = ""


def classify(host: str, task: str, action: str, result: Mapping[str, Any]) -> Failure:
    """`action` is the module, with or without its collection; `result` what it answered."""
    said = message_of(result)
    text = f"task {task!r} failed: {said}"
    code = result.get("rc")
    if isinstance(code, int) and code and f"code {code}" not in said:
        text += f"\nexit code {code}"
    name = action.rpartition(".")[2]
    everything = "\n".join([said, str(result.get("stderr", "")), str(result.get("exception", ""))])
    if result.get("unreachable"):
        kind = str(result.get("kind") or "connect")
        return Failure(kind, text, "look whether the host is up and answers SSH; the others went on without it")
    if DISK_FULL.search(everything):
        return Failure("disk", text, "a disk of the host is full: df -h shows which, du -xh FOLDER | sort -h | tail what fills it")
    if name in PACKAGE_ACTIONS:
        return Failure("package", text, next((hint for pattern, hint in PACKAGE_HINTS if re.search(pattern, everything)), ""))
    unit = unit_of(task, result)
    look = f"see all of it on {host}: journalctl -u {unit}" if unit else ""
    if name in UNIT_ACTIONS:
        return Failure("unit", text, look, unit)
    if result.get("attempts"):
        return Failure("health", f"{text}\nit was asked {result['attempts']} times", look, unit)
    return Failure("command" if name in COMMAND_ACTIONS else "task", text)


def unit_of(task: str, result: Mapping[str, Any]) -> str:
    """The module says it, or else the task's name: ours are called `UNIT runs`, `UNIT is healthy`, `UNIT is ready` (and `Docker runs`)."""
    name = str(result.get("name") or "") or task.rpartition(" : ")[2].partition(" ")[0].lower()
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9@:_.-]*", name) else ""

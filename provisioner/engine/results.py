"""What came out: of one task on one host, and of the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

EXIT_OK = 0
EXIT_FAILED = 2
EXIT_UNREACHABLE = 4


class Status(Enum):
    """How a task ended on a host."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNREACHABLE = "unreachable"


def status_of(result: Mapping[str, Any]) -> Status:
    if result.get("unreachable"):
        return Status.UNREACHABLE
    if result.get("failed"):
        return Status.FAILED
    if result.get("skipped"):
        return Status.SKIPPED
    return Status.CHANGED if result.get("changed") else Status.OK


@dataclass
class HostStats:
    """Counts of one host, as Ansible's recap has them."""

    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0


@dataclass
class RunResult:
    """Counts by host; `custom` holds what set_stats collected."""

    stats: dict[str, HostStats] = field(default_factory=dict)
    custom: dict[str, dict[str, Any]] = field(default_factory=dict)
    forgiven: set[str] = field(default_factory=set)
    """Hosts whose failures were cleared (meta: clear_host_errors): they are counted, but not in the exit code."""
    aborted: str | None = None
    """Why the run stopped before its end, when it did for a reason that is no host's failure."""
    start_missing: bool = False
    """The task to start at was never met."""

    def of(self, host: str) -> HostStats:
        return self.stats.setdefault(host, HostStats())

    @property
    def exit_code(self) -> int:
        """As ansible-playbook: 0, 2 when hosts failed, 4 when hosts were unreachable."""
        counted = [stats for host, stats in self.stats.items() if host not in self.forgiven]
        if any(stats.unreachable for stats in counted):
            return EXIT_UNREACHABLE
        if self.aborted or any(stats.failed for stats in counted):
            return EXIT_FAILED
        return EXIT_OK

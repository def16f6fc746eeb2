"""What can go wrong with a cluster as a whole, as a tree.

    ClusterError
    ├── LockedError       another run holds the cluster's lock
    ├── PreflightError    hosts are not fit; nothing was changed; carries every problem of every host
    ├── ApplyError        roles failed on some hosts; the others finished, or were stopped
    ├── VerifyError       applied, but the cluster does not work in time
    └── NotMadeError      the command needs a cluster that `up` has not made yet

None is retried by this program. After each, running the same command again is safe and continues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provisioner.cluster.results import HostStats


class ClusterError(Exception):
    """One problem: what happened, and what to do about it (`hint` may be empty)."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class LockedError(ClusterError):
    """Another run works on this cluster, or was killed and left its lock on another computer."""

    exit_code = 3


class NotMadeError(ClusterError):
    """There is no such cluster here yet."""


@dataclass(frozen=True)
class HostProblem:
    """One host that can't be used. `kind` is the class of the error: resolve, connect, host key, authenticate, sudo, python, disk…"""

    host: str
    kind: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        message = self.message.replace("\n", "\n    ")
        text = f"{self.host}: {self.kind}: {message}"
        return f"{text}\n    {self.hint}" if self.hint else text


class PreflightError(ClusterError):
    """Nothing was changed on any host."""

    exit_code = 4

    def __init__(self, problems: Sequence[HostProblem]) -> None:
        self.problems = tuple(problems)
        hosts = len({p.host for p in problems})
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"preflight: {len(problems)} problem(s) on {hosts} host(s); nothing was changed{lines}")


class ApplyError(ClusterError):
    """Some hosts failed; `problems` has the first failure of each, `stats` the counts of all."""

    def __init__(
        self, problems: Sequence[HostProblem], *, stats: Mapping[str, HostStats] | None = None, hint: str = "", others: str = "finished"
    ) -> None:
        self.problems = tuple(problems)
        self.stats = stats or {}
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"apply: failed on {len(problems)} host(s); the others {others}{lines}", hint=hint)


class VerifyError(ClusterError):
    """The roles ran, but the cluster did not become what it should be within the deadline."""

"""The way to a cluster's hosts: sessions by name, shared by preflight, roles and status."""

from __future__ import annotations

from provisioner.cluster.context import Context
from provisioner.cluster.errors import HostProblem
from provisioner.cluster.sessions import Sessions
from provisioner.transport.errors import TransportError
from provisioner.transport.session import HostSession, RawResult
from provisioner.transport.settings import Become

ROOT = Become()
SCRIPT_TIMEOUT_S = 30.0


class Hosts(Sessions):
    """Sessions to the hosts of one inventory."""

    errors: tuple[type[Exception], ...] = (TransportError,)

    def __init__(self, context: Context, *, forks: int = 20) -> None:
        super().__init__(forks=forks, on_note=lambda host, text: context.bus.send("progress", text, host=host))
        self._context = context

    def of(self, name: str) -> HostSession:
        """The session of a host of the inventory."""
        return self.at(self._context.inventory.hosts[name].connection)

    def run(self, name: str, script: str) -> RawResult:
        """A shell script as root. Raises TransportError."""
        return self.of(name).raw("sh -s", become=ROOT, timeout_s=SCRIPT_TIMEOUT_S, stdin=script.encode())

    def describe(self, name: str, error: Exception) -> HostProblem:
        """A transport error as a problem of a host."""
        kind = getattr(error, "kind", "") or type(error).__name__.removesuffix("Error").lower()
        return HostProblem(name, kind, str(error).removeprefix(f"{name}: "))

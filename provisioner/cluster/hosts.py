"""The way to a cluster's hosts: sessions by name, shared by preflight, roles and status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.cluster.context import Context
from provisioner.cluster.errors import HostProblem
from provisioner.cluster.sessions import Sessions
from provisioner.inventory import InventoryError
from provisioner.inventory.checks import place_of
from provisioner.templating.errors import TemplateError
from provisioner.templating.templar import Templar
from provisioner.transport.errors import TransportError
from provisioner.transport.session import HostSession, RawResult
from provisioner.transport.settings import Become, ConnectionSettings, Secret

# Preflight's questions: a quarter of a second on a computer of its own, 11 s on an emulated machine, 33 s where ten others want its processors.
SCRIPT_TIMEOUT_S = 120.0


class Hosts(Sessions):
    """Sessions to the hosts of one inventory."""

    errors: tuple[type[Exception], ...] = (TransportError, InventoryError)

    def __init__(self, context: Context, *, forks: int = 20) -> None:
        super().__init__(forks=forks, on_note=lambda host, text: context.bus.send("progress", text, host=host))
        self._context = context

    def of(self, name: str) -> HostSession:
        """The session of a host of the inventory. Raises InventoryError for variables that lead nowhere."""
        try:
            return self.at(ConnectionSettings.from_vars(name, {**self.ways(name), "inventory_hostname": name}))
        except ValueError as error:
            raise self._wrong(name, str(error)) from error

    def run(self, name: str, script: str) -> RawResult:
        """A shell script as root. Raises TransportError and InventoryError."""
        return self.of(name).raw("sh -s", become=root_of(self.ways(name)), timeout_s=SCRIPT_TIMEOUT_S, stdin=script.encode())

    def ways(self, name: str) -> dict[str, Any]:
        """Variables that say how a host is reached, rendered. Raises InventoryError."""
        variables = self._context.inventory.hosts[name].vars
        templar = Templar((self._context.path.parent,), {**variables, "inventory_hostname": name}, host=name)
        found = {}
        for key in variables:
            if str(key).startswith("ansible_") or key == "gateway":
                try:
                    found[key] = templar.render(variables[key])
                except TemplateError as error:
                    raise self._wrong(name, f"{key}: {error}") from error
        return found

    def _wrong(self, name: str, text: str) -> InventoryError:
        inventory = self._context.inventory
        return InventoryError([place_of(inventory, inventory.hosts[name]).problem(f"host {name!r}: {text}")])

    def describe(self, name: str, error: Exception) -> HostProblem:
        """One of `errors` as a problem of a host."""
        kind = getattr(error, "kind", "") or type(error).__name__.removesuffix("Error").lower()
        return HostProblem(name, kind, str(error).removeprefix(f"{name}: "))


def root_of(variables: Mapping[str, Any]) -> Become:
    """How to become root on a host, whoever logs in (Ansible's `ansible_become_method`, `ansible_become_password` and their other names)."""
    method = str(variables.get("ansible_become_method") or "sudo").rpartition(".")[2]
    names = ("ansible_become_password", "ansible_become_pass", f"ansible_{method}_pass", f"ansible_{method}_password")
    password = next((variables[key] for key in names if variables.get(key) not in (None, "")), None)
    return Become(method=method, password=None if password is None else Secret(str(password)))

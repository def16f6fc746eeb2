"""The provider: Vagrant's commands as what `Provider` promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from provisioner.machines.errors import MachineError, UnknownMachineError
from provisioner.machines.provider import Action, Machine, PlannedAction, Power, Progress
from provisioner.machines.vagrant.listing import RUNNING, connection

if TYPE_CHECKING:
    from provisioner.machines.vagrant.command import Ssh, Vagrant

ABSENT = "not_created"


class VagrantProvider:
    """The machines of one Vagrantfile that the inventory names."""

    def __init__(self, names: tuple[str, ...], vagrant: Vagrant, *, progress: Progress | None = None) -> None:
        self._names = names
        self._vagrant = vagrant
        self._tell = progress or (lambda line: None)

    def plan(self) -> Sequence[PlannedAction]:
        states = self._states()
        steps = [PlannedAction(name, Action.CREATE) for name in self._names if states[name] == ABSENT]
        return steps + [PlannedAction(name, Action.START) for name in self._names if states[name] != RUNNING]

    def create(self, names: Sequence[str] | None = None) -> None:
        """Vagrant makes and starts in one step."""
        self._up(names, lambda state: state == ABSENT)

    def start(self, names: Sequence[str] | None = None) -> None:
        states = self._states()
        absent = [name for name in self._chosen(names) if states[name] == ABSENT]
        if absent:
            raise MachineError(f"not created yet: {', '.join(absent)}", hint="create them first (`provision machines up`)")
        self._up(names, lambda state: state != RUNNING)

    def stop(self, names: Sequence[str] | None = None, *, hard: bool = False) -> None:
        states = self._states()
        running = [name for name in self._chosen(names) if states[name] == RUNNING]
        if running:
            self._tell(f"{', '.join(running)}: {'pulling the plug' if hard else 'stopping'}")
            self._vagrant.halt(running, hard=hard)

    def destroy(self) -> None:
        made = [name for name, state in self._states().items() if state != ABSENT]
        if made:
            self._vagrant.destroy()
        self._tell(f"destroyed {', '.join(made) or 'nothing'}")

    def list(self) -> Sequence[Machine]:
        states, ways = self._states(), self._ways()
        return [Machine(name, ways[name].address if name in ways else "-", _power(states[name])) for name in self._names]

    def addresses(self) -> dict[str, str]:
        """Only of machines that run: Vagrant gives addresses when they boot."""
        return {name: way.address for name, way in self._ways().items()}

    def connection_vars(self) -> dict[str, dict[str, object]]:
        return {name: connection(way) for name, way in self._ways().items()}

    def console(self, name: str) -> str:
        self._chosen([name])
        raise MachineError(f"Vagrant keeps no console of {name}", hint=f"look at it in {self._vagrant.folder} with: vagrant ssh {name}")

    def _up(self, names: Sequence[str] | None, wanted: Callable[[str], bool]) -> None:
        states = self._states()
        chosen = [name for name in self._chosen(names) if wanted(states[name])]
        if chosen:
            self._tell(f"{', '.join(chosen)}: vagrant up")
            self._vagrant.up(chosen)

    def _states(self) -> dict[str, str]:
        states = self._vagrant.states()
        strangers = [name for name in self._names if name not in states]
        if strangers:
            raise UnknownMachineError(
                f"the Vagrantfile in {self._vagrant.folder} has no machine {', '.join(strangers)}", hint=f"it has: {', '.join(states)}"
            )
        return states

    def _ways(self) -> dict[str, Ssh]:
        states = self._states()
        return self._vagrant.ssh([name for name in self._names if states[name] == RUNNING])

    def _chosen(self, names: Sequence[str] | None) -> tuple[str, ...]:
        unknown = [name for name in names or () if name not in self._names]
        if unknown:
            raise UnknownMachineError(f"no host {', '.join(unknown)} in the inventory", hint=f"its hosts: {', '.join(self._names)}")
        return self._names if names is None else tuple(names)


def _power(state: str) -> Power:
    if state == RUNNING:
        return Power.ON
    return Power.ABSENT if state == ABSENT else Power.OFF

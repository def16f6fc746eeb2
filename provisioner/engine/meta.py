"""The meta action: things a task list tells the engine itself to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from provisioner.engine.errors import PlaybookError
from provisioner.engine.playbook import Task
from provisioner.engine.state import HostState
from provisioner.templating import TemplateError

if TYPE_CHECKING:
    from provisioner.engine.lockstep import Lockstep


def run_meta(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    name = str(task.args.get("_raw_params", ""))
    action = _ACTIONS.get(name)
    if action is None:
        raise PlaybookError(f"invalid meta action requested: {name}", task.location, f"known: {', '.join(sorted(_ACTIONS))}")
    action(step, task, hosts if name == "flush_handlers" else [state for state in hosts if _holds(step, task, state)])


def _holds(step: Lockstep, task: Task, state: HostState) -> bool:
    if not task.attributes.when:
        return True
    templar = step.run.variables.templar(state, step.context, task)
    try:
        return all(templar.condition(condition) for condition in task.attributes.when)
    except TemplateError as e:
        raise PlaybookError(f"The conditional check failed. The error was: {e}", task.location) from e


def _flush_handlers(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    step.handlers.flush(step, hosts)


def _end_play(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    if hosts:
        step.context.ended = True
        for state in step.context.hosts:
            state.ended = True


def _end_batch(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    if hosts:
        for state in step.context.hosts:
            state.ended = True


def _end_host(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    for state in hosts:
        state.ended = True


def _end_role(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    if task.role is None:
        raise PlaybookError("Cannot execute 'end_role' from outside of a role", task.location)
    for state in hosts:
        state.ended_roles.add(task.role.key)


def _clear_host_errors(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    if hosts:
        for state in step.context.hosts:
            state.failed = state.unreachable = False


def _clear_facts(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    for state in hosts:
        state.store.clear_facts()


def _reset_connection(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    for state in hosts:
        step.run.targets.forget(state)


def _refresh_inventory(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    with step.run.lock:
        step.run.inventory.changed()
        step.run.variables.inventory_changed()


def _noop(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    """Nothing, on purpose."""


_ACTIONS: dict[str, Callable[[Lockstep, Task, Sequence[HostState]], None]] = {
    "clear_facts": _clear_facts,
    "clear_host_errors": _clear_host_errors,
    "end_batch": _end_batch,
    "end_host": _end_host,
    "end_play": _end_play,
    "end_role": _end_role,
    "flush_handlers": _flush_handlers,
    "noop": _noop,
    "refresh_inventory": _refresh_inventory,
    "reset_connection": _reset_connection,
}

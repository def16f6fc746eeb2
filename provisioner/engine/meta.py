"""The meta action: things a task list tells the engine itself to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from provisioner.engine.errors import RunError, condition_error
from provisioner.engine.events import HostDone
from provisioner.engine.playbook import Task
from provisioner.engine.results import Status
from provisioner.engine.state import HostState
from provisioner.templating import TemplateError

if TYPE_CHECKING:
    from provisioner.engine.lockstep import Lockstep


# What stands after "… conditional evaluated to False", for those that heed `when`.
_SKIPPED = {
    "flush_handlers": ", not running handlers for {host}",
    "clear_facts": ", not clearing facts and fact cache for {host}",
    "clear_host_errors": ", not clearing host error state for {host}",
    "end_batch": ", continuing current batch",
    "end_play": ", continuing play",
    "end_host": ", continuing execution for {host}",
    "end_role": "continuing role {role} for {host}",
}
# These ask each host; the others ask the first one and hold for all.
_EACH = frozenset({"flush_handlers", "end_host", "end_role", "noop", "reset_connection"})


def run_meta(step: Lockstep, task: Task, hosts: Sequence[HostState], *, handler: bool = False) -> None:
    name = str(task.args.get("_raw_params", ""))
    action = _ACTIONS.get(name)
    if action is None:
        raise RunError(f"invalid meta action requested: {name}", task.location, f"known: {', '.join(sorted(_ACTIONS))}")
    asked = list(hosts) if name in _EACH else list(hosts[:1])
    if name not in _SKIPPED:
        if task.attributes.when:
            step.run.warn(f"{name} task does not support when conditional")
        for state in asked:
            step.begin(task, task.title, [state], handler)
        action(step, task, asked)
        return
    chosen = []
    for state in asked:
        serial = step.begin(task, task.title, [state], handler)
        if _holds(step, task, state):
            chosen.append(state)
        else:
            _tell_skipped(step, task, state, name, serial)
    action(step, task, chosen)


def _tell_skipped(step: Lockstep, task: Task, state: HostState, name: str, serial: int) -> None:
    role = task.role.name if task.role else ""
    reason = f"{name} conditional evaluated to False" + _SKIPPED[name].format(host=state.name, role=role)
    message = reason.replace("False", "false") if name == "end_host" else name
    result = {"msg": message, "skipped": True, "skip_reason": reason}
    step.run.emit(HostDone(state.name, task.title, task.action, serial, Status.SKIPPED, result, location=task.location))


def _holds(step: Lockstep, task: Task, state: HostState) -> bool:
    if not task.attributes.when:
        return True
    templar = step.run.variables.templar(state, step.context, task)
    try:
        return all(templar.condition(condition, task.location) for condition in task.attributes.when)
    except TemplateError as e:
        raise RunError(str(condition_error(e)).removeprefix("Task failed: "), task.location) from e


def _flush_handlers(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    step.run_handlers(hosts)


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
        state.ended = state.left = True


def _end_role(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    assert task.role is not None, "parsing refuses it outside of one"
    for state in hosts:
        state.ended_roles.add(task.role.key)


def _clear_host_errors(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    """Hosts that failed may take part in the plays that follow, those that were not reached, or have ended a block, in the rest of this one, too."""
    for broken in step.broken if hosts else ():
        step.run.result.forgiven.update(broken)
        broken.clear()
    for state in step.context.hosts if hosts else ():
        if state.failed or state.unreachable:
            step.run.result.forgiven.add(state.name)
            state.failed &= not state.goes_on
            state.unreachable, state.goes_on, state.forgiven = False, False, state.failed


def _clear_facts(step: Lockstep, task: Task, hosts: Sequence[HostState]) -> None:
    for state in step.context.hosts if hosts else ():
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

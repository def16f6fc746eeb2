"""Handlers of a play: who notified which, and running them in the order they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from provisioner.engine.errors import PlaybookError
from provisioner.engine.events import HandlerNotified
from provisioner.engine.playbook import Block, Node, Task, tasks_of
from provisioner.engine.run_context import Run
from provisioner.engine.state import HostState
from provisioner.engine.variables import PlayContext
from provisioner.templating import Templar, TemplateError
from provisioner.templating.undefined import did_you_mean

if TYPE_CHECKING:
    from provisioner.engine.lockstep import Lockstep


class Handlers:
    """The handlers of one play batch; each host keeps which of them it has to run."""

    def __init__(self, run: Run, context: PlayContext, nodes: Sequence[Node]) -> None:
        self._run = run
        self._context = context
        self._handlers: list[Task] = []
        self.add(nodes)

    def add(self, nodes: Sequence[Node]) -> None:
        """Handlers of a play, or of a role included later; those already known are not added again."""
        for task in _flat(nodes):
            if not any(known.location == task.location and known.role is task.role for known in self._handlers):
                self._handlers.append(task)

    def notify(self, state: HostState, names: Sequence[Any], templar: Templar | None) -> None:
        """Marks handlers of these names or topics. Raises PlaybookError for a name that nobody has."""
        for raw in names:
            rendered = templar.render(raw) if templar is not None else raw
            for name in rendered if isinstance(rendered, list) else [rendered]:
                if name:
                    self._notify(state, str(name))

    def _notify(self, state: HostState, name: str) -> None:
        found = False
        # The last handler of a name hides those before it; all that listen to a topic run.
        named = [index for index, task in enumerate(self._handlers) if self._is_named(task, name, state)]
        if named:
            state.notified[named[-1]] = None
            found = True
        for index, task in enumerate(self._handlers):
            if name in task.listen:
                state.notified[index] = None
                found = True
        if not found:
            known = [task.name for task in self._handlers if task.name] + [topic for task in self._handlers for topic in task.listen]
            raise PlaybookError(
                f"The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
                + did_you_mean(name, known)
            )
        self._run.emit(HandlerNotified(name, state.name))

    def _is_named(self, task: Task, name: str, state: HostState) -> bool:
        own = task.name
        if "{{" in own:
            try:
                own = self._run.variables.templar(state, self._context, task).render_text(own)
            except TemplateError:
                return False
        return bool(own) and (own == name or (task.role is not None and f"{task.role.name} : {own}" == name))

    def flush(self, step: Lockstep, hosts: Sequence[HostState], *, forced: bool = False) -> None:
        """Runs what was notified, in order. `forced` takes in failed hosts."""
        broken = [state for state in hosts if state.failed and not state.unreachable] if forced else []
        for state in broken:
            state.failed = False
        # Once through the list: a handler that notifies one before it has that run in the next flush.
        for index, task in enumerate(self._handlers):
            wanted = [state for state in hosts if state.alive and index in state.notified]
            for state in wanted:
                state.notified.pop(index, None)
            if wanted:
                step.run_task(task, wanted, handler=True)
        for state in broken:
            state.failed = True


def _flat(nodes: Sequence[Node]) -> list[Task]:
    tasks: list[Task] = []
    for node in nodes:
        if isinstance(node, Block):
            tasks.extend(tasks_of([node]))
        else:
            tasks.append(node)
    return tasks

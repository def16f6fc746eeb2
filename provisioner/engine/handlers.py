"""Handlers of a play: who notified which, and running them in the order they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from provisioner.engine.errors import RunError
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
        self._groups: list[list[int]] = []
        """Indexes by where they were written: a file's or play's list, or a block in one."""
        self.add(nodes)

    def add(self, nodes: Sequence[Node]) -> None:
        """Handlers of a play, or of a role included later; those already known are not added again."""
        for group in _groups(nodes):
            fresh = [
                task for task in group if not any(known.location == task.location and known.role is task.role for known in self._handlers)
            ]
            self._groups.append(list(range(len(self._handlers), len(self._handlers) + len(fresh))))
            self._handlers.extend(fresh)

    def notify(self, state: HostState, names: Sequence[Any], templar: Templar | None) -> None:
        """Marks handlers of these names or topics. Raises RunError for a name that nobody has."""
        for raw in names:
            rendered = templar.render(raw) if templar is not None else raw
            for name in rendered if isinstance(rendered, list) else [rendered]:
                if name:
                    self._notify(state, str(name))

    def _notify(self, state: HostState, name: str) -> None:
        found = False
        # Of a name, the last list that has it hides those before, and in one list the first counts.
        named = (index for group in reversed(self._groups) for index in group if self._is_named(self._handlers[index], name, state))
        first = next(named, None)
        if first is not None:
            state.notified[first] = None
            found = True
        # All that listen to a topic run, of those with one name only the first.
        seen: set[str] = set()
        for index, task in enumerate(self._handlers):
            if name in task.listen and (not task.name or task.name not in seen):
                seen.add(task.name)
                state.notified[index] = None
                found = True
        if not found:
            if not self._run.options.settings.get("ERROR_ON_MISSING_HANDLER", True):
                self._run.warn(f"The requested handler '{name}' was not found")
                return
            known = [task.name for task in self._handlers if task.name] + [topic for task in self._handlers for topic in task.listen]
            raise RunError(
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
        broken = [state for state in hosts if state.failed and not state.unreachable and not state.failed_in_handlers] if forced else []
        for state in broken:
            state.failed = False
        # Once through the list: a handler that notifies one before it has that run in the next flush.
        for index, task in enumerate(self._handlers):
            wanted = [state for state in hosts if state.alive and index in state.notified]
            for state in wanted:
                state.notified.pop(index, None)
            if wanted:
                step.run_task(task, wanted, handler=True)
                for state in wanted:
                    state.failed_in_handlers |= state.failed
        for state in broken:
            state.failed = True


def _groups(nodes: Sequence[Node]) -> list[list[Task]]:
    """Handlers by the list they were written in; a block is a list of its own."""
    groups: list[list[Task]] = []
    current: list[Task] | None = None
    for node in nodes:
        if isinstance(node, Block):
            groups.append(tasks_of([node]))
            current = None
        elif current is None or current[-1].role is not node.role:
            current = [node]
            groups.append(current)
        else:
            current.append(node)
    return groups

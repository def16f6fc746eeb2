"""Handlers of a play: who notified which, and running them in the order they are written."""

from __future__ import annotations

import itertools
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
        """Handlers of a play, or of a role included later. What has been added before comes last now, and hides its former self."""
        for group in _groups(nodes):
            places = [task.location for task in group]
            if all(task.name and "{{" not in task.name for task in group):
                self._groups = [known for known in self._groups if [self._handlers[index].location for index in known] != places]
            self._groups.append(list(range(len(self._handlers), len(self._handlers) + len(group))))
            self._handlers.extend(group)

    def notify(self, state: HostState, names: Sequence[str], *, by_handler: bool = False) -> None:
        """Keeps names or topics until handlers are run: which handler one means is found then. Raises RunError for one that nobody has.

        What a handler notifies is marked at once.
        """
        for name in names:
            found = self._of_name(state, name)
            if not found:
                self._missing(name)
                continue
            if by_handler:
                self._mark(state, found)
            else:
                state.notifications[name] = None

    def _mark(self, state: HostState, indexes: Sequence[int]) -> None:
        """They are to run, and it is told which those are."""
        for index in indexes:
            if index not in state.notified:
                self._run.emit(HandlerNotified(self._handlers[index].title, state.name))
            state.notified[index] = None

    def _of_name(self, state: HostState, name: str) -> list[int]:
        """Indexes of the handlers that a name or topic means."""
        # Of a name, the last list that has it hides those before, and in one list the first counts.
        order = [index for group in reversed(self._groups) for index in group]
        found = list(itertools.islice((index for index in order if self._is_named(self._handlers[index], name, state)), 1))
        # All that listen to a topic run, of those with one name only the one that hides the others.
        seen: set[str] = set()
        for index in order:
            task = self._handlers[index]
            if _listens(task, name):
                own = self._name_of_play(task)
                if not own or own not in seen:
                    found.append(index)
                    seen.add(own)
        return found

    def _missing(self, name: str) -> None:
        if not self._run.options.settings.get("ERROR_ON_MISSING_HANDLER", True):
            self._run.warn(f"The requested handler '{name}' was not found")
            return
        known = [task.name for task in self._handlers if task.name] + [topic for task in self._handlers for topic in task.listen]
        raise RunError(
            f"The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
            + did_you_mean(name, known)
        )

    def _is_named(self, task: Task, name: str, state: HostState) -> bool:
        own = self._name(task, state)
        return own is not None and own != "" and (own == name or (task.role is not None and name in task.role.named(own)))

    def _name_of_play(self, task: Task) -> str:
        """A handler's name by what is known without a host, else as it is written."""
        if "{{" not in task.name:
            return task.name
        role, play = task.role, self._context.play
        known: dict[str, Any] = {**(role.visible_defaults() if role else {}), **play.vars, **self._context.prompted}
        if role is not None:
            known.update({**role.visible_vars(), **role.visible_params()})
        known.update({**task.attributes.vars, **task.params, **self._run.variables.extra_vars})
        try:
            return Templar((), known, engine=self._run.templates).render_text(task.name)
        except TemplateError:
            return task.name

    def _name(self, task: Task, state: HostState) -> str | None:
        """A handler's name; None where it cannot be rendered."""
        if "{{" not in task.name:
            return task.name
        try:
            return self._run.variables.templar(state, self._context, task).render_text(task.name)
        except TemplateError:
            return None

    def flush(self, step: Lockstep, hosts: Sequence[HostState], *, forced: bool = False) -> None:
        """Runs what was notified, in order. `forced` takes in failed hosts."""
        broken = [state for state in hosts if state.failed and not state.unreachable and not state.failed_in_handlers] if forced else []
        for state in broken:
            state.failed = False
        for state in hosts:
            if state.alive:
                for name in state.notifications:
                    self._mark(state, self._of_name(state, name))
                state.notifications.clear()
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


def _listens(task: Task, topic: str) -> bool:
    """Topics of a role's handlers are known under the role's name, too."""
    return bool(task.listen) and (
        topic in task.listen or (task.role is not None and any(topic in task.role.named(own) for own in task.listen))
    )


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

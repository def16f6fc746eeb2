"""Runs task lists on sets of hosts: every host finishes a task before the next begins.

A block is run on the hosts that are alive; those that fail in it go through its rescue together, and all go through its always. The
free strategies use the same code with one host at a time, each in a thread of its own.
"""

from __future__ import annotations

import fnmatch
import itertools
import traceback
from collections.abc import Sequence
from concurrent.futures import Executor as Pool
from typing import Any

from provisioner.engine import actions
from provisioner.engine.attributes import tag_set
from provisioner.engine.driving import failure
from provisioner.engine.errors import EngineError, RunError, RunInterrupted
from provisioner.engine.events import HostDone, TaskStarted
from provisioner.engine.executor import MAX_BATCH, Executor, Outcome, censored
from provisioner.engine.failed_task import described
from provisioner.engine.handlers import Handlers
from provisioner.engine.includes import run_includes
from provisioner.engine.meta import run_meta
from provisioner.engine.playbook import Block, Node, Task
from provisioner.engine.results import Status
from provisioner.engine.run_context import Run
from provisioner.engine.state import HostState
from provisioner.engine.tag_selection import selected
from provisioner.engine.task_debugger import Answer, Mark, Stopped, is_active, is_wanted
from provisioner.engine.together import Together, row
from provisioner.engine.variables import PlayContext
from provisioner.templating import Templar, TemplateError, is_template, with_errors_shown
from provisioner.templating.filters.text import to_bool

_serials = itertools.count(1)
FREE = ("free", "host_pinned")
"""Strategies with which each host goes on by itself."""
STRATEGIES = ("linear", *FREE, "debug")
_INCLUDES = frozenset({"include_tasks", "include_role"})


class PlayEnded(Exception):
    """meta: end_play, or a limit of failures: nothing more runs in this play."""


class Lockstep:
    """Runs nodes for some hosts of a play batch."""

    def __init__(self, run: Run, context: PlayContext, handlers: Handlers, pool: Pool | None) -> None:
        self.run = run
        self.context = context
        self.handlers = handlers
        self.executor = Executor(run, context)
        self._pool = pool
        """None runs hosts one after the other in this thread."""
        self._is_debugged = run.options.debugger is not None and is_active(context.play, run.options)
        self._rescuers = 0
        """How many of the blocks around what runs now would rescue its failure."""
        self.broken: list[dict[str, HostState]] = []
        """Hosts that failed in the blocks whose `always` runs now, by name, the innermost block last."""

    def run_nodes(self, nodes: Sequence[Node], hosts: Sequence[HostState], *, handler: bool = False) -> None:
        position = 0
        left: dict[str, int] = {}
        """Where hosts that dropped out would have gone on."""
        while position < len(nodes):
            alive = [state for state in hosts if state.alive]
            if not alive:
                return
            node = nodes[position]
            tasks = self._row(nodes[position : position + MAX_BATCH], alive)
            if len(tasks) > 1:
                self._run_row(tasks, alive, handler)
            elif isinstance(node, Block):
                self._block(node, alive, handler)
            else:
                self.run_task(node, alive, handler=handler)
            position += max(len(tasks), 1)
            for state in alive:
                if not state.alive:
                    left.setdefault(state.name, position)
            for state in [state for state in hosts if state.alive and state.name in left]:
                # Its errors were cleared (meta: clear_host_errors): it catches up.
                self.run_nodes(nodes[left.pop(state.name) : position], [state], handler=handler)

    # Tasks that share a message

    def _row(self, nodes: Sequence[Node], hosts: Sequence[HostState]) -> list[Task]:
        run = self.run
        if run.asking or run.skipping_to is not None or self._is_debugged or any(state.ended_roles for state in hosts):
            return []
        return row(nodes, self.context.play, {*run.content.own_modules.names(), *run.content.own_actions.names()})

    def _run_row(self, tasks: Sequence[Task], hosts: Sequence[HostState], handler: bool) -> None:
        """Each host goes through the tasks by itself; told about is it as if they had gone task by task."""
        chosen = [task for task in tasks if self._is_selected(task)]
        if self.run.stop.is_set() or not chosen:
            return
        title = self._title(chosen[0], hosts[0])
        serial = self.begin(chosen[0], title, hosts, handler)
        outcomes = self._each_host(chosen, hosts)
        for number, task in enumerate(chosen):
            there = [(state, found[number]) for state, found in zip(hosts, outcomes, strict=True) if number < len(found)]
            if not there:
                return
            if number:
                title = self._title(task, there[0][0])
                serial = self.begin(task, title, [state for state, _ in there], handler)
            for state, outcome in there:
                self._record(task, state, outcome, serial, title, handler)

    def _each_host(self, tasks: Sequence[Task], hosts: Sequence[HostState]) -> list[list[Outcome]]:
        if self._pool is None or len(hosts) == 1:
            return [Together(self.executor, state).execute(tasks) for state in hosts]
        return list(self._pool.map(lambda state: Together(self.executor, state).execute(tasks), hosts))

    # Blocks

    def _block(self, block: Block, hosts: Sequence[HostState], handler: bool) -> None:
        if block.role is not None:
            self._role(block, hosts, handler)
            return
        self._count_rescuers(bool(block.rescue))
        try:
            self.run_nodes(block.block, hosts, handler=handler)
        finally:
            self._count_rescuers(-bool(block.rescue))
        failed = [state for state in hosts if state.failed and not state.unreachable]
        if block.rescue and failed:
            for state in failed:
                state.failed = False
            self.run_nodes(block.rescue, failed, handler=handler)
        if block.always:
            broken = {state.name: state for state in hosts if state.failed and not state.unreachable}
            for state in broken.values():
                state.failed = False
            self.broken.append(broken)
            try:
                self.run_nodes(block.always, hosts, handler=handler)
            finally:
                self.broken.pop()
            for state in broken.values():
                state.failed = state.goes_on = True

    def _count_rescuers(self, more: int) -> None:
        self._rescuers += more
        self.executor.rescued = self._rescuers > 0

    def _role(self, block: Block, hosts: Sequence[HostState], handler: bool) -> None:
        """A role runs once for a host, unless it allows more."""
        role = block.role
        assert role is not None
        todo = [state for state in hosts if role.allow_duplicates or role.key not in state.roles_done]
        for state in todo:
            state.roles_touched.discard(role.key)
        self.run_nodes(block.block, todo, handler=handler)
        for state in todo:
            state.ended_roles.discard(role.key)
            if state.alive and role.key in state.roles_touched:
                state.roles_done.add(role.key)

    # Tasks

    def _is_selected(self, task: Task, handler: bool = False) -> bool:
        options = self.run.options
        if self.run.skipping_to is not None and not task.implicit:
            if not self.is_first(task):
                return False
            self.run.skipping_to = None
        # Tags choose tasks; a handler runs when it was notified.
        return handler or selected(self._tags(task), options.tags, options.skip_tags)

    def is_first(self, task: Task) -> bool:
        """Whether it is the task to start at."""
        pattern = self.run.skipping_to or ""
        return task.name == pattern or task.title == pattern or fnmatch.fnmatchcase(task.name, pattern)

    def _tags(self, task: Task) -> frozenset[str]:
        """With those rendered that are templates: of the play's variables, since no host is meant. Raises RunError."""
        tags = task.attributes.tags
        if not any("{{" in tag for tag in tags):
            return tags
        variables = self.run.variables
        known = {**variables.of_play(self.context, {}), **task.attributes.vars, **task.params, **variables.extra_vars}
        templar = Templar((), known, engine=self.run.templates)
        try:
            rendered = [templar.render(tag) for tag in tags]
            return tag_set([tag for made in rendered for tag in (made if isinstance(made, list) else [made])])
        except TemplateError as e:
            raise RunError(str(e), task.location) from e

    def run_task(self, task: Task, hosts: Sequence[HostState], *, handler: bool = False) -> None:
        if task.role is not None:
            hosts = [state for state in hosts if task.role.key not in state.ended_roles]
        if not hosts or self.run.stop.is_set() or not self._is_selected(task, handler):
            return
        if task.action == "meta":
            run_meta(self, task, hosts, handler=handler)
            return
        if self.run.asking and not self._is_allowed(task, hosts, handler):
            return
        title = self._title(task, hosts[0])
        serial = self.begin(task, title, hosts, handler)
        once = actions.runs_once(task.action) or self._run_once(task, hosts[0])
        chosen = hosts[:1] if once else hosts
        outcomes = self._execute(task, chosen, serial)
        for number, state in enumerate(chosen):
            mark = Mark(state, self.run.result)
            self._record(task, state, outcomes[number], serial, title, handler)
            if is_wanted(task, outcomes[number], self.context.play, self.run.options):
                outcomes[number] = self._debug(task, state, outcomes[number], serial, title, handler, mark)
        if once:
            self._share(task, chosen[0], outcomes[0], hosts)
        if task.action in _INCLUDES:
            run_includes(self, task, list(zip(chosen, outcomes, strict=True)), handler)
        self._check_fatal(task, chosen)

    def begin(self, task: Task, title: str, hosts: Sequence[HostState], handler: bool) -> int:
        """Tells that it starts on these hosts; answers by which number what follows will refer to it."""
        serial = next(_serials)
        reserved = self.run.variables.reserved
        reserved.look(task.attributes.vars, task.location)
        reserved.look([task.register] if task.register else [], task.location)
        self.run.warn_of_content()
        self.run.emit(TaskStarted(title, task.action, serial, task.location, handler, _names(hosts), task))
        return serial

    def _is_allowed(self, task: Task, hosts: Sequence[HostState], handler: bool) -> bool:
        """Asks the person of --step. Raises RunInterrupted where nobody answers."""
        step = self.run.options.step
        with self.run.lock:
            if step is None or not self.run.asking:
                return True
            alone = hosts[0].name if self.context.play.strategy_by(self.run.options.settings) in FREE else None
            try:
                answer = step(f"{'HANDLER' if handler else 'TASK'}: {task.title}", alone).lower()
            except EOFError as e:
                self.run.stop.set()
                raise RunInterrupted("--step asks before each task, and nobody is there to answer (stdin has ended)") from e
            if answer in ("c", "continue"):
                self.run.asking = False
        return answer in ("c", "continue", "y", "yes")

    def _debug(self, task: Task, state: HostState, outcome: Outcome, serial: int, title: str, handler: bool, mark: Mark) -> Outcome:
        """Has a person look at what a task came to, and does it again as often as they want. Raises RunInterrupted."""
        debugger = self.run.options.debugger
        while debugger is not None and is_wanted(task, outcome, self.context.play, self.run.options):
            stopped = Stopped.at(state, task, outcome, title, handler)
            with self.run.lock:
                answer = Answer.QUIT if self.run.stop.is_set() else debugger(stopped)
                if answer is Answer.QUIT:
                    self.run.stop.set()
                    raise RunInterrupted("")
            if answer is Answer.CONTINUE:
                break
            mark.restore()
            mark = Mark(state, self.run.result)
            task = stopped.task.changed
            state.debugged_vars.update(stopped.set_vars())
            outcome = self._guarded(task, state, serial)
            self._record(task, state, outcome, serial, title, handler)
        state.debugged_vars.clear()
        return outcome

    def _title(self, task: Task, state: HostState) -> str:
        """The name shown for all hosts: rendered for the first one. Raises RunError when nobody can tell what the task is to do."""
        name = task.name or task.written
        if "{{" not in name + task.action:
            return task.title
        templar = self.run.variables.templar(state, self.context, task)
        try:
            templar.render(task.action)
        except TemplateError as e:
            raise RunError(str(e), task.location) from e
        return task.titled(with_errors_shown(name, templar))

    def _run_once(self, task: Task, state: HostState) -> bool:
        value = task.attributes.get("run_once")
        if isinstance(value, str):
            try:
                value = to_bool(self.run.variables.templar(state, self.context, task).render(value))
            except TemplateError:
                return False
        return bool(value)

    def _execute(self, task: Task, hosts: Sequence[HostState], serial: int) -> list[Outcome]:
        limit = self._throttle(task, hosts[0])
        if self._pool is None or len(hosts) == 1 or actions.is_local(task.action) or task.action in _INCLUDES:
            return [self._guarded(task, state, serial) for state in hosts]
        outcomes: list[Outcome] = []
        for start in range(0, len(hosts), limit or len(hosts)):
            part = hosts[start : start + (limit or len(hosts))]
            futures = [self._pool.submit(self._guarded, task, state, serial) for state in part]
            outcomes.extend(future.result() for future in futures)
        return outcomes

    def _throttle(self, task: Task, state: HostState) -> int:
        value = task.attributes.get("throttle")
        try:
            if isinstance(value, str):
                value = self.run.variables.templar(state, self.context, task).render(value)
            return int(value or 0)
        except (TemplateError, ValueError, TypeError) as e:
            raise RunError(f"Failed to convert the throttle value to an integer: {e}", task.location) from e

    def _guarded(self, task: Task, state: HostState, serial: int) -> Outcome:
        """What a task's own plugins do wrong ends the task, not the run."""
        try:
            return self.executor.execute(state, task, serial)
        except (EngineError, TemplateError) as e:
            result = failure(e)
        except Exception as e:  # noqa: BLE001 - the guard of the worker: a mistake in one task's values or plugins must not end the run
            result = {"failed": True, "msg": f"Task failed: {e or type(e).__name__}", "exception": "".join(traceback.format_exception(e))}
        return self.executor.lost(task, self.run.variables.templar(state, self.context, task), result)

    def _record(self, task: Task, state: HostState, outcome: Outcome, serial: int, title: str, handler: bool) -> None:
        """Counts, marks the host, notifies handlers and tells about it."""
        if outcome.includes:
            if task.role is not None:
                state.roles_touched.add(task.role.key)
            self.run.result.of(state.name).ok += len(outcome.includes)
            return
        if task.role is not None and outcome.status is not Status.SKIPPED:
            state.roles_touched.add(task.role.key)
        stats = self.run.result.of(state.name)
        status = outcome.status
        if status is Status.UNREACHABLE:
            stats.unreachable += 0 if outcome.ignored else 1
            stats.ignored += 1 if outcome.ignored else 0
            stats.ok += 1 if outcome.ignored else 0
            state.unreachable = not outcome.ignored
            state.left |= state.unreachable
            if state.unreachable:
                self.run.result.forgiven.discard(state.name)
        elif status is Status.FAILED:
            if outcome.ignored:
                stats.ok += 1
                stats.ignored += 1
                stats.changed += 1 if outcome.result.get("changed") else 0
            else:
                self.mark_failed(state)
                if self._rescuers:
                    self.keep_failure(state, task, outcome.result, outcome.templar)
        elif status is Status.SKIPPED:
            stats.skipped += 1
        else:
            stats.ok += 1
            stats.changed += 1 if status is Status.CHANGED else 0
        if status is Status.CHANGED or (task.loop is not None and outcome.result.get("changed")):
            self.handlers.notify(state, outcome.notify, by_handler=handler)
        self._tell(task, state, outcome, serial, title)

    @property
    def is_rescued(self) -> bool:
        """Whether a block around what runs now rescues its failures."""
        return self._rescuers > 0

    def keep_failure(self, state: HostState, task: Task, result: dict[str, Any], templar: Templar | None) -> None:
        """What a rescue may look at."""
        state.store.set("ansible_failed_task", described(task, templar, self.run.options))
        state.store.set("ansible_failed_result", result)

    def mark_failed(self, state: HostState) -> None:
        """Counts a failure: as rescued where a block around it has a rescue."""
        stats = self.run.result.of(state.name)
        state.failed = True
        if self._rescuers:
            stats.rescued += 1
        else:
            state.left = True
            stats.failed += 1
            self.run.result.forgiven.discard(state.name)

    def run_handlers(self, hosts: Sequence[HostState], *, forced: bool = False) -> None:
        """What was notified; a block around the task that asks for it rescues its failures."""
        self.handlers.flush(self, hosts, forced=forced)

    def _tell(self, task: Task, state: HostState, outcome: Outcome, serial: int, title: str) -> None:
        for warning in outcome.result.get("warnings") or []:
            self.run.warn(str(warning))
        shown: Any = outcome.result
        if outcome.no_log:
            shown = censored(outcome.result)
        elif outcome.verbose:
            shown = {**outcome.result, "_ansible_verbose_always": True}
        self.run.emit(
            HostDone(
                state.name,
                title,
                task.action,
                serial,
                outcome.status,
                shown,
                outcome.ignored,
                outcome.delegated_to,
                outcome.duration_s,
                task.location,
                self.run.targets.address(outcome.delegated_to) if outcome.delegated_to else None,
                outcome.shows_diff,
                outcome.templar,
            )
        )

    def _share(self, task: Task, first: HostState, outcome: Outcome, hosts: Sequence[HostState]) -> None:
        """What ran once holds for all hosts, but for facts of a host that it was delegated to."""
        delegated = outcome.delegated_to is not None and to_bool(task.attributes.get("delegate_facts"))
        for state in hosts[1:]:
            if task.register and not actions.runs_once(task.action):
                state.store.set_vars[task.register] = first.store.set_vars.get(task.register, state.store.set_vars.get(task.register))
            parts = outcome.result.get("results") if isinstance(outcome.result.get("results"), list) else [outcome.result]
            for part in parts or []:
                if isinstance(part, dict) and isinstance(part.get("ansible_facts"), dict) and not delegated:
                    if task.action == "set_fact":
                        state.store.set_facts(part["ansible_facts"])
                    elif task.action == "include_vars":
                        state.store.add_include_vars(part["ansible_facts"])
                    else:
                        state.store.add_facts(part["ansible_facts"])
            if first.failed:
                state.failed, state.left = True, first.left

    # Limits of failures

    def _check_fatal(self, task: Task, hosts: Sequence[HostState]) -> None:
        everyone = self.context.hosts
        alone = self.context.play.strategy_by(self.run.options.settings) in FREE
        if alone or not any(state.failed or state.unreachable for state in hosts):
            return
        if self.context.play.strategy_by(self.run.options.settings) in FREE:
            return  # each host goes on by itself, whatever becomes of others
        fatal = task.attributes.get("any_errors_fatal")
        if is_template(fatal):
            fatal = self.run.variables.templar(hosts[0], self.context, task).render(fatal)
        if to_bool(self.run.options.settings.get("ANY_ERRORS_FATAL") if fatal is None else fatal):
            for state in everyone:
                if state.alive:
                    state.failed = True
        limit = self.context.play.max_fail_percentage
        if limit is not None and not self._rescuers:
            lost = sum(1 for state in everyone if state.failed)
            if lost * 100 / max(self.context.size, 1) > limit:
                for state in everyone:
                    state.failed = True
                raise PlayEnded("max_fail_percentage")


def _names(hosts: Sequence[HostState]) -> tuple[str, ...]:
    return tuple(state.name for state in hosts)

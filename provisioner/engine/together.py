"""Which tasks share one message to a host, and how they do.

Tasks in a row go together when nothing between them needs the controller: none looks at what another registered, and a failure of one only
means that the rest is not done on that host, which the agent sees to. All but the first touch nothing but files and accounts of their own
host: with several hosts, none may overtake what another host's task waits for.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from provisioner.engine.driving import failure, finish
from provisioner.engine.errors import EngineError
from provisioner.engine.exchange import Attempt, Exchange, send
from provisioner.engine.executor import MAX_BATCH, Executor, Outcome
from provisioner.engine.playbook import Node, Play, Task
from provisioner.engine.results import Status
from provisioner.engine.state import HostState
from provisioner.engine.task_settings import Settings, hides, task_settings
from provisioner.engine.unreachable import connection_errors, unreachable_result
from provisioner.templating import Templar, TemplateError
from provisioner.templating.filters.text import to_bool

# Action -> the module that its only call is of; an action whose first call is of another one (a folder's copy) makes more calls.
SMALL = {
    **{name: name for name in ("authorized_key", "blockinfile", "copy", "file", "group", "ini_file", "known_hosts")},
    **{name: name for name in ("lineinfile", "replace", "stat", "sysctl", "user")},
    "template": "copy",
}
FIRST_ONLY = {name: name for name in ("command", "service", "systemd", "systemd_service")}
# Keywords with which a task is a message of its own: somebody has to decide something before or after it.
_DECIDED = ("any_errors_fatal", "connection", "debugger", "delegate_to", "run_once", "throttle")
# Content of more than this is not worth holding in memory for a task that may never be reached.
MAX_CONTENT_BYTES = 256 * 1024
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def row(nodes: Sequence[Node], play: Play, own_modules: Container[str] = ()) -> list[Task]:
    """The tasks at the start of `nodes` that may go together; one, or none, where that is nothing to speak of."""
    found: list[Task] = []
    if play.max_fail_percentage is not None or to_bool(play.attributes.get("any_errors_fatal")):
        return found
    for node in nodes[:MAX_BATCH]:
        if not isinstance(node, Task) or not _joins(node, first=not found) or node.action in own_modules:
            break
        found.append(node)
        if _ends_row(node):
            break
    return found


def _joins(task: Task, *, first: bool) -> bool:
    if task.action not in SMALL and not (first and task.action in FIRST_ONLY):
        return False
    alone = task.loop is not None or task.until or task.retries is not None or task.async_s or task.implicit
    return not alone and not any(task.attributes.get(name) is not None for name in _DECIDED)


def _ends_row(task: Task) -> bool:
    """What comes after may look at its result, or depends on what the controller makes of it."""
    judged = task.changed_when is not None and not all(isinstance(condition, bool) for condition in task.changed_when)
    return task.register is not None or task.failed_when is not None or judged


@dataclass
class _Begun:
    """A task up to its first call, or to its end where it has none."""

    task: Task
    templar: Templar
    settings: Settings
    attempt: Attempt | None = None
    exchange: Exchange | None = None
    result: dict[str, object] | None = None


class Together:
    """A row of tasks on one host."""

    def __init__(self, executor: Executor, state: HostState) -> None:
        self._executor = executor
        self._state = state
        self._mark = 0.0
        self._spent_s = 0.0
        """Each task's part of the message that it went in."""

    def execute(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Outcomes in order, ending with the first failure that is not ignored. Never raises for what goes wrong on the host."""
        outcomes: list[Outcome] = []
        waiting: list[_Begun] = []
        left = iter(tasks)
        self._mark = time.monotonic()
        while True:
            waiting += self._begin(left, waiting)
            if not waiting:
                return outcomes
            for outcome in self._exchange(waiting):
                outcomes.append(outcome)
                if outcome.status in (Status.FAILED, Status.UNREACHABLE) and not outcome.ignored:
                    return outcomes

    def _begin(self, tasks: Iterator[Task], waiting: Sequence[_Begun]) -> list[_Begun]:
        """Tasks up to the first that can't share a message with what waits (which is the last then), or that has failed before its call."""
        begun = list(waiting)
        while not begun or _may_go_on(begun):
            task = next(tasks, None)
            if task is None:
                break
            begun.append(self._one(task))
        return begun[len(waiting) :]

    def _one(self, task: Task) -> _Begun:
        run, context = self._executor.run, self._executor.context
        templar = run.variables.templar(self._state, context, task)
        begun = _Begun(task, templar, Settings(no_log=hides(task, templar)))
        try:
            begun.settings = task_settings(run, self._state, context, task, begun.templar)
            begun.attempt = self._executor.attempt(self._state, task, begun.templar, begun.settings)
            begun.exchange = next(begun.attempt)
        except StopIteration as e:
            begun.result = e.value
        except (TemplateError, EngineError) as e:
            begun.result = failure(e)
        except connection_errors() as e:
            begun.result = unreachable_result(e)
        except Exception as e:  # noqa: BLE001 - the guard of the worker, as Lockstep's: a task's own plugins may do anything
            begun.result = {"failed": True, "msg": f"Task failed: {type(e).__name__}: {e}", "exception": traceback.format_exc()}
        return begun

    def _exchange(self, waiting: list[_Begun]) -> Iterator[Outcome]:
        """Sends what may go in one message, takes what has come to its end off `waiting`, and gives its outcomes."""
        group: list[_Begun] = []
        for begun in waiting:
            if begun.exchange is not None and group and not _same_way(group[0].exchange, begun.exchange):
                break
            if begun.exchange is not None:
                group.append(begun)
        answers: Iterator[dict[str, object]] = iter(())
        if group:
            try:
                answers = iter(send([begun.exchange for begun in group if begun.exchange is not None]))
            except connection_errors() as e:
                group[0].result, group[0].exchange = unreachable_result(e), None
            except EngineError as e:
                group[0].result, group[0].exchange = failure(e), None
            now = time.monotonic()
            self._spent_s, self._mark = (now - self._mark) / len(group), now
        sent = {id(begun) for begun in group}
        while waiting:
            begun = waiting[0]
            if begun.exchange is not None:
                answer = next(answers, None)
                if answer is None:  # of the next message, or after a failure
                    return
                assert begun.attempt is not None
                begun.result = finish(begun.attempt, answer)
            waiting.pop(0)
            yield self._outcome(begun, self._spent_s if id(begun) in sent else 0.0)

    def _outcome(self, begun: _Begun, spent_s: float) -> Outcome:
        outcome = self._executor.settle(self._state, begun.task, begun.templar, begun.settings, dict(begun.result or {}))
        now = time.monotonic()
        outcome.duration_s, self._mark = spent_s + now - self._mark, now
        return outcome


def _may_go_on(begun: Sequence[_Begun]) -> bool:
    """Whether a task after these may be begun before they have run."""
    last = begun[-1]
    if last.exchange is None:
        return last.result is not None and not last.result.get("failed") and not last.result.get("unreachable")
    first = next(one.exchange for one in begun if one.exchange is not None)
    call = last.exchange.call
    whole = SMALL.get(last.task.action, FIRST_ONLY.get(last.task.action)) == call.module
    size = sum(len(content) for content in call.blobs.values() if isinstance(content, bytes))
    return whole and size <= MAX_CONTENT_BYTES and _same_way(first, last.exchange) and not _is_here(last.exchange)


def _is_here(exchange: Exchange) -> bool:
    """On the controller's own files a template may be rendered of what the task before it writes."""
    settings = getattr(exchange.session, "settings", None)
    return settings is None or settings.connection == "local" or settings.address in _HERE


def _same_way(one: Exchange | None, other: Exchange) -> bool:
    return one is not None and one.session is other.session and one.become == other.become

"""The task debugger: a task that has ended on a host, as a person may look at it, change it and have it done again.

The keyword `debugger`, the strategy `debug` and the setting ENABLE_TASK_DEBUGGER say when; RunOptions.debugger is whoever asks the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from provisioner.engine.attributes import REPLACED, as_tuple
from provisioner.engine.executor import Outcome
from provisioner.engine.options import RunOptions
from provisioner.engine.playbook import Loop, Play, Task
from provisioner.engine.results import HostStats, RunResult, Status
from provisioner.engine.state import HostState
from provisioner.templating import Resolved, Templar, TemplateError

# Keywords whose names are other ones in `Task`, and those that are lists of conditions or names.
_FIELDS = {"async_val": "async_s", **{name: name for name in ("action", "delay", "poll", "register", "retries")}}
_LISTS = ("changed_when", "failed_when", "listen", "notify", "until")
_OF_ATTRIBUTES = ("environment", "module_defaults", "tags", "vars", "when")
_MISSING: Any = object()


class Answer(Enum):
    """What is to become of the task."""

    REDO = "redo"
    CONTINUE = "continue"
    QUIT = "quit"


def is_active(play: Play, options: RunOptions) -> bool:
    """Whether tasks without the keyword stop when they fail."""
    return bool(options.settings.get("ENABLE_TASK_DEBUGGER")) or play.strategy_by(options.settings) == "debug"


def is_wanted(task: Task, outcome: Outcome, play: Play, options: RunOptions) -> bool:
    """Whether a person is to be asked about this outcome."""
    if options.debugger is None:
        return False
    # An ignored failure is none, unless the settings say otherwise.
    overlooked = outcome.ignored and options.settings.get("TASK_DEBUGGER_IGNORE_ERRORS", True)
    failed = outcome.status is Status.FAILED and not overlooked
    unreachable = outcome.status is Status.UNREACHABLE
    when = task.attributes.get("debugger")
    if isinstance(when, str) and outcome.templar is not None and "{{" in when:
        try:
            when = outcome.templar.render(when)
        except TemplateError:  # the task has failed of it
            when = None
    match when:
        case "always":
            return True
        case "never":
            return False
        case "on_failed" if failed:
            return True
        case "on_unreachable" if unreachable:
            return True
        case "on_skipped" if outcome.status is Status.SKIPPED:
            return True
    return is_active(play, options) and (failed or unreachable)


class DebuggedTask:
    """`task` in the debugger: the keywords of one task on one host, to be read and to be set."""

    def __init__(self, task: Task, title: str, handler: bool) -> None:
        vars(self).update(_written=task, _now=replace(task, args=dict(task.args)), _title=title, _kind="HANDLER" if handler else "TASK")

    def __repr__(self) -> str:
        return f"{self._kind}: {self._title}"

    @property
    def changed(self) -> Task:
        """The task with what was set."""
        found: Task = vars(self)["_now"]
        return found

    def update(self, task_vars: Mapping[str, Any]) -> None:
        """As it was written, its arguments rendered with these variables. Raises TemplateError."""
        written: Task = self._written
        rendered = Templar((written.directory,), task_vars).render(dict(written.args))
        vars(self)["_now"] = replace(written, args=rendered)

    def __getattr__(self, name: str) -> Any:
        task: Task = vars(self)["_now"]
        match name:
            case "args":
                return task.args
            case "name":
                return self._title
            case "loop":
                return task.loop.value if task.loop else None
        if name in _FIELDS:
            return getattr(task, _FIELDS[name])
        if name in _LISTS:
            return list(getattr(task, name) or ())
        if name in _OF_ATTRIBUTES:
            value = getattr(task.attributes, name)
            return dict(value) if isinstance(value, Mapping) else list(value)
        if name in REPLACED:
            return task.attributes.get(name)
        raise AttributeError(f"a task has no {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        task: Task = vars(self)["_now"]
        attributes = task.attributes
        change: dict[str, Any]
        if name in ("args", "name"):
            change = {name: value}
        elif name == "loop":
            change = {"loop": None if value is None else replace(task.loop, value=value) if task.loop else Loop(None, value)}
        elif name in _FIELDS:
            change = {_FIELDS[name]: value}
        elif name in _LISTS:
            change = {name: None if value is None and name.endswith("_when") else as_tuple(value or ())}
        elif name == "vars":
            change = {"attributes": replace(attributes, vars=dict(value))}
        elif name == "tags":
            change = {"attributes": replace(attributes, tags=frozenset(value))}
        elif name in _OF_ATTRIBUTES:
            own: dict[str, Any] = {name: as_tuple(value or ())}
            change = {"attributes": replace(attributes, **own)}
        elif name in REPLACED:
            change = {"attributes": replace(attributes, values={**attributes.values, name: value})}
        else:
            raise AttributeError(f"a task has no {name!r}")
        vars(self)["_now"] = replace(task, **change)


@dataclass
class DebuggedResult:
    """`result` in the debugger; the task's own result under the names that versions of Ansible have for it."""

    host: str
    task: DebuggedTask
    result: dict[str, Any]
    status: Status

    @property
    def _result(self) -> dict[str, Any]:
        return self.result

    @property
    def _return_data(self) -> dict[str, Any]:
        return self.result

    def is_changed(self) -> bool:
        return bool(self.result.get("changed"))

    def is_failed(self) -> bool:
        return self.status is Status.FAILED

    def is_skipped(self) -> bool:
        return self.status is Status.SKIPPED

    def is_unreachable(self) -> bool:
        return self.status is Status.UNREACHABLE


@dataclass
class Stopped:
    """A task that waits for a person. `task` and `task_vars` may be changed; what was changed holds when it is done again."""

    host: str
    task: DebuggedTask
    result: DebuggedResult
    task_vars: dict[str, Any]
    _before: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, state: HostState, task: Task, outcome: Outcome, title: str, handler: bool) -> Stopped:
        shown = DebuggedTask(task, title, handler)
        raw = outcome.templar.variables if outcome.templar else {}
        known = {name: value.value if isinstance(value, Resolved) else value for name, value in raw.items() if not name.startswith("__")}
        return cls(state.name, shown, DebuggedResult(state.name, shown, outcome.result, outcome.status), known, dict(known))

    def set_vars(self) -> dict[str, Any]:
        """Variables that the person has set."""
        return {name: value for name, value in self.task_vars.items() if self._before.get(name, _MISSING) is not value}


class Mark:
    """How a host fares before a task, to go back to when the task is done again."""

    def __init__(self, state: HostState, result: RunResult) -> None:
        self._state, self._result = state, result
        self._stats: HostStats = replace(result.of(state.name))
        self._flags = (state.failed, state.unreachable)
        self._forgiven = state.name in result.forgiven

    def restore(self) -> None:
        self._result.stats[self._state.name] = self._stats
        self._state.failed, self._state.unreachable = self._flags
        self._state.left = False
        if self._forgiven:
            self._result.forgiven.add(self._state.name)

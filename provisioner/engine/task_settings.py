"""Keywords of a task that are rendered for each host: delegation, escalation, environment, check mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.engine.errors import EngineError
from provisioner.engine.keyword_types import as_flag, as_number
from provisioner.engine.playbook import Task
from provisioner.engine.run_context import Run
from provisioner.engine.state import HostState
from provisioner.engine.targets import BecomeRequest, keyword_value
from provisioner.engine.variables import PlayContext
from provisioner.templating import OMIT, Templar, TemplateError

# What a task does wrong in these shows before it runs, too, even where nobody becomes anybody.
_JUDGED_TEXTS = ("become_exe", "become_flags", "become_method", "become_user", "connection", "debugger", "port", "remote_user")
# What a task does wrong in these shows before it runs, although nobody needs them yet.
_JUDGED_LATER = ("any_errors_fatal", "delegate_facts", "ignore_errors", "ignore_unreachable", "run_once")


@dataclass(frozen=True)
class Settings:
    """A task's keywords as they hold for one host and item."""

    delegate_to: str | None = None
    become: BecomeRequest | None = None
    check: bool = False
    diff: bool = False
    no_log: bool = False
    timeout_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def task_settings(run: Run, state: HostState, context: PlayContext, task: Task, templar: Templar) -> Settings:
    """Raises TemplateError or TaskError; of a task that conditions skip no keyword needs to be one that can be evaluated."""
    try:
        return _evaluated(run, state, context, task, templar)
    except (TemplateError, EngineError):
        if _holds(task, templar):
            raise
        return Settings(no_log=hides(task, templar))


def _evaluated(run: Run, state: HostState, context: PlayContext, task: Task, templar: Templar) -> Settings:
    values = task.attributes.values
    # Conditions come first, and a task that is skipped may delegate to a host that is not defined.
    delegate = values.get("delegate_to")
    delegate_to = None
    if delegate is not None and _holds(task, templar):
        rendered = templar.render(delegate)
        delegate_to = None if rendered in (None, "", OMIT) else str(rendered)
    timeout = values.get("timeout", run.options.settings.get("TASK_TIMEOUT"))
    limits = [as_number("timeout", keyword_value("timeout", timeout, templar))] if timeout else []
    limits += [run.options.timeout_s] if run.options.timeout_s else []
    if task.async_s:
        limits = []
    target = run.targets.delegate(delegate_to) if delegate_to else state
    become = run.targets.become(target, context, task, templar, delegated=delegate_to is not None)
    no_log = _flag(task, "no_log", False, templar)
    for name in _JUDGED_TEXTS:
        keyword_value(name, values.get(name), templar)
    for name, written in (("async_val", task.async_s), ("delay", task.delay), ("poll", task.poll), ("retries", task.retries)):
        if written is not None:
            as_number(name, keyword_value(name, written, templar))
    for name in _JUDGED_LATER:
        _flag(task, name, False, templar)
    return Settings(
        delegate_to=delegate_to,
        become=become,
        check=_flag(task, "check_mode", run.options.check, templar),
        diff=_flag(task, "diff", run.options.diff, templar) and not no_log,
        no_log=no_log,
        timeout_s=min(limits, default=None) or None,
        environment=_environment(run, task, templar),
    )


def hides(task: Task, templar: Templar) -> bool:
    """A task's no_log; where nobody can tell, what it says is hidden."""
    try:
        return _flag(task, "no_log", False, templar)
    except (TemplateError, EngineError, ValueError):
        return True


def _flag(task: Task, name: str, default: bool, templar: Templar) -> bool:
    value = task.attributes.values.get(name)
    if value is None:
        return default
    found = keyword_value(name, value, templar) if isinstance(value, str) else value
    return default if found is None or found is OMIT else as_flag(name, found)


def _holds(task: Task, templar: Templar) -> bool:
    try:
        return all(templar.condition(condition) for condition in task.attributes.when)
    except Exception:  # noqa: BLE001 - the condition is evaluated again where its error is reported
        return False


def _environment(run: Run, task: Task, templar: Templar) -> dict[str, str]:
    merged: dict[str, str] = {}
    for level in task.attributes.environment:
        try:
            rendered: Any = templar.render(level)
        except TemplateError as e:
            e.message = f"Error processing keyword 'environment': {e.message}"
            raise
        if rendered in (None, "", OMIT):
            continue
        if not isinstance(rendered, Mapping):
            run.warn(f"could not parse environment value, skipping: [{level!r}]")
            continue
        merged.update({str(key): str(value) for key, value in rendered.items() if value is not OMIT})
    return merged

"""A task's arguments as its action gets them: rendered, with module_defaults; what cannot be rendered is told by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.engine import actions
from provisioner.engine.arguments import FREE_FORM
from provisioner.engine.content import Content
from provisioner.engine.errors import TaskError
from provisioner.engine.playbook import Task
from provisioner.templating import Templar, TemplateError
from provisioner.templating.templar import drop_omitted
from provisioner.templating.values import OMIT, final


def rendered_arguments(task: Task, templar: Templar, content: Content) -> dict[str, Any]:
    """What a task gives its action, defaults of modules included. Raises TaskError."""
    if "_raw_params" in task.args and task.action not in FREE_FORM and not _is_own(task.action, content):
        raise TaskError(f"Task failed: Action '{full_name(task.action)}' does not support raw params.")
    if task.action in ("include_tasks", "include_role"):
        try:
            return _render_each(task.args, templar)
        except TemplateError as e:
            raise TaskError(f"Task failed: Finalization of task args for '{full_name(task.action)}' failed: {e}") from e
    planner = actions.action_module(task.action)
    if planner is not None and getattr(planner, "RAW_ARGUMENTS", False):
        return {**_module_defaults(task, templar, content), **task.args}
    args = dict(task.args)
    try:
        if "_variable_params" in args:
            found = templar.render(args.pop("_variable_params"))
            if isinstance(found, Mapping):
                args = {**final(dict(found)), **args}
            elif found not in (None, ""):
                raise TaskError(f"the arguments of {task.action} must render to a mapping, not {type(found).__name__}")
        rendered = _render_each(args, templar)
        defaults = _module_defaults(task, templar, content)
    except TemplateError as e:
        raise TaskError(f"Task failed: Finalization of task args for '{full_name(task.action)}' failed: {e}") from e
    # What a task omits has no default either.
    return {**{name: value for name, value in defaults.items() if name not in args}, **rendered}


def _is_own(action: str, content: Content) -> bool:
    return action in content.own_modules or action in content.own_actions


def _module_defaults(task: Task, templar: Templar, content: Content) -> dict[str, Any]:
    """Of groups of modules first, then of the module itself; below these those of the module that it runs."""
    merged: dict[str, Any] = {}
    levels = list(task.attributes.module_defaults)
    for action in filter(None, (_run_by(task, templar), task.action)) if levels else ():
        for values in content.module_defaults.of(action, levels):
            merged.update(_render_each(final(templar.render(values)) if isinstance(values, str) else values, templar))
    return merged


def _render_each(args: Mapping[str, Any], templar: Templar) -> dict[str, Any]:
    """Arguments rendered one by one, so that an error can name the one it is about."""
    rendered: dict[str, Any] = {}
    for name, value in args.items():
        try:
            key = templar.render(name)
        except TemplateError as e:
            raise TaskError(f"Task failed: {e}") from e
        try:
            made = templar.render(value)
            rendered[key] = made if made is OMIT else drop_omitted(made)
        except TemplateError:
            _complain(args, templar)
            raise
    return {key: value for key, value in rendered.items() if value is not OMIT}


_CHOSEN_BY = {"package": "pkg_mgr", "service": "service_mgr"}


def _run_by(task: Task, templar: Templar) -> str | None:
    """The module that does an action's work, as far as facts or the task say which."""
    if task.action == "gather_facts":
        return "setup"
    if task.action not in _CHOSEN_BY:
        return None
    used = templar.render(task.args.get("use", "auto"))
    if used == "auto":
        used = (templar.scope.get("ansible_facts") or {}).get(_CHOSEN_BY[task.action])
    return used.rsplit(".", 1)[-1] if isinstance(used, str) else None


def _complain(args: Mapping[str, Any], templar: Templar) -> None:
    """Raises the error of the first argument, by its name, that cannot be rendered."""
    for name in sorted(args, key=str):
        try:
            drop_omitted(templar.render(args[name]))
        except TemplateError as e:
            e.message = f"Error while resolving value for '{name}': {e.message}"
            raise


def full_name(action: str) -> str:
    """An action's name as messages have it."""
    return f"ansible.builtin.{action}"

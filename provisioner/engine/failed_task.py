"""A task as `ansible_failed_task` shows it to rescue and always sections: its keywords, with what Ansible fills in."""

from __future__ import annotations

from typing import Any

from provisioner.engine.options import RunOptions
from provisioner.engine.playbook import Task
from provisioner.templating import Templar, TemplateError

_INHERITED = {
    "any_errors_fatal": False,
    "become": False,
    "become_exe": None,
    "become_flags": None,
    "become_method": "sudo",
    "become_user": None,
    "connection": "ssh",
    "debugger": None,
    "delegate_facts": None,
    "delegate_to": None,
    "ignore_errors": None,
    "ignore_unreachable": None,
    "no_log": False,
    "notify": None,
    "port": None,
    "remote_user": None,
    "run_once": None,
    "throttle": 0,
    "timeout": 0,
}


def described(task: Task, templar: Templar | None, options: RunOptions) -> dict[str, Any]:
    """Values are rendered where they can be, else as written."""
    attributes = task.attributes
    made: dict[str, Any] = {name: _rendered(attributes.values.get(name, default), templar) for name, default in _INHERITED.items()}
    full = task.action if "." in task.action else f"ansible.builtin.{task.action}"
    made.update(
        {
            "name": _rendered(task.name, templar),
            "action": task.action,
            "_resolved_action": full,
            "args": {key: _rendered(value, templar) for key, value in task.args.items()},
            "async": task.async_s or 0,
            "async_val": task.async_s or 0,
            "poll": 15 if task.poll is None else task.poll,
            "changed_when": list(task.changed_when or ()),
            "failed_when": list(task.failed_when or ()),
            "until": list(task.until),
            "when": list(attributes.when),
            "retries": task.retries,
            "delay": 5 if task.delay is None else task.delay,
            "check_mode": attributes.values.get("check_mode", options.check),
            "diff": attributes.values.get("diff", options.diff),
            "collections": list(attributes.collections),
            "environment": _rendered(list(attributes.environment), templar),
            "module_defaults": _rendered(list(attributes.module_defaults), templar),
            "tags": sorted(attributes.tags),
            "vars": _rendered(dict(attributes.vars), templar),
            "register": task.register,
            "loop": _rendered(task.loop.value, templar) if task.loop else None,
            "loop_with": task.loop.lookup if task.loop else None,
            "loop_control": _loop_control(task) if task.loop else None,
            "finalized": True,
            "squashed": True,
        }
    )
    return made


def _loop_control(task: Task) -> dict[str, Any]:
    control = task.loop_control
    return {
        "loop_var": control.loop_var,
        "index_var": control.index_var,
        "label": control.label,
        "pause": float(control.pause) if isinstance(control.pause, int | float) else control.pause,
        "extended": control.extended or None,
        "extended_allitems": control.extended_allitems,
        "break_when": list(control.break_when),
        "finalized": True,
        "squashed": False,
    }


def _rendered(value: Any, templar: Templar | None) -> Any:
    if templar is None or value is None:
        return value
    try:
        return templar.render(value)
    except TemplateError:
        return value

"""assert: fails unless all conditions hold."""

from __future__ import annotations

from typing import Any

from provisioner.agent.arguments import ArgumentError, checked
from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError, condition_error
from provisioner.templating import TemplateError
from provisioner.templating.filters.data import type_debug
from provisioner.templating.values import is_whole_template

LOCAL = True
RAW_ARGUMENTS = True
_ARGUMENTS = {"quiet": {"type": "bool", "default": False}}


def plan(call: ActionCall) -> dict[str, Any]:
    unknown = [name for name in call.args if name not in ("that", "fail_msg", "msg", "success_msg", "quiet")]
    if unknown:
        raise TaskError(
            f"Unsupported parameters for (assert) module: {', '.join(sorted(unknown))}."
            " Supported parameters include: fail_msg, quiet, success_msg, that (msg)."
        )
    if "that" not in call.args:
        raise TaskError("missing required arguments: that")
    messages = {name: _message(call, name) for name in ("fail_msg", "msg", "success_msg") if call.args.get(name) is not None}
    shown = {} if _quiet(call) else {"_ansible_verbose_always": True}
    that = call.args["that"]
    conditions = that if isinstance(that, list) else [that]
    found = call.templar.render(that) if is_whole_template(that) else None
    if isinstance(found, list):
        conditions = found
    for condition in conditions:
        try:
            holds = call.templar.condition(condition, call.task.location, written=not isinstance(found, list))
        except TemplateError as e:
            raise condition_error(e) from e
        if not holds:
            message = messages.get("fail_msg", messages.get("msg", "Assertion failed"))
            return {"failed": True, "changed": False, "msg": message, "evaluated_to": False, "assertion": condition, **shown}
    return {"changed": False, "msg": messages.get("success_msg", "All assertions passed"), **shown}


def _quiet(call: ActionCall) -> bool:
    try:
        return bool(checked(_ARGUMENTS, {"quiet": call.templar.render(call.args.get("quiet", False))}, "assert")["quiet"])
    except ArgumentError as e:
        raise TaskError(str(e)) from e


def _message(call: ActionCall, name: str) -> Any:
    try:
        value = call.templar.render(call.args[name])
    except TemplateError as e:
        failed = f"Finalization of task args for 'ansible.builtin.assert' failed: Error while resolving value for '{name}': {e}"
        raise TaskError(f"Task failed: {failed}") from e
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        return value
    kind = type_debug(value)
    wrong = "a string or list of strings is required"
    raise TaskError(f"argument '{name}' is of type {kind} and we were unable to convert to str_or_list_of_str: {wrong}")

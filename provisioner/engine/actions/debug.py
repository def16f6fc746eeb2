"""debug: shows a message or a variable."""

from __future__ import annotations

from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.templating import TemplateError, UndefinedVariable
from provisioner.templating.filters.data import type_debug
from provisioner.templating.plugins import bare_name

LOCAL = True
RAW_ARGUMENTS = True
_KNOWN = {"msg", "var", "verbosity"}


def plan(call: ActionCall) -> dict[str, Any]:
    unknown = set(call.args) - _KNOWN
    if unknown:
        raise TaskError(
            f"Unsupported parameters for ({bare_name('debug')}) module: {', '.join(sorted(unknown))}. Supported parameters include: msg, var, verbosity."
        )
    if "msg" in call.args and "var" in call.args:
        raise TaskError("parameters are mutually exclusive: msg|var")
    wanted = call.templar.render(call.args.get("verbosity", 0))
    try:
        verbosity = int(wanted or 0)
    except (TypeError, ValueError) as e:
        kind = type(wanted).__name__
        reason = f'"{wanted!r}" cannot be converted to an int'
        raise TaskError(f"argument 'verbosity' is of type {kind} and we were unable to convert to int: {reason}") from e
    if verbosity > call.run.options.verbosity:
        return {"skipped_reason": "Verbosity threshold not met.", "skipped": True, "changed": False}
    shown = _variable(call) if "var" in call.args else None
    if shown is not None:
        return {**shown, "changed": False, "_ansible_verbose_always": True}
    try:
        arguments = call.templar.render_arguments({"msg": call.args.get("msg", "Hello world!")})
    except TemplateError as e:
        raise TaskError(
            f"Task failed: Finalization of task args for 'ansible.builtin.debug' failed: Error while resolving value for 'msg': {e}"
        ) from e
    return {"msg": arguments.get("msg", "Hello world!"), "changed": False, "_ansible_verbose_always": True}


def _variable(call: ActionCall) -> dict[str, Any] | None:
    """The value of the expression that `var` comes to, under it; None where it comes to nothing."""
    written = call.args["var"]
    try:
        name = call.templar.render(written)
    except TemplateError as e:
        raise TaskError(
            f"Task failed: Finalization of task args for 'ansible.builtin.debug' failed: Error while resolving value for 'var': {e}"
        ) from e
    if name is None:
        return None
    if not isinstance(name, str):
        raise TaskError(
            f"argument 'var' is of type {type_debug(name)} and we were unable to convert to _check_type_str_no_conversion: "
            f"'{name}' is not a string and conversion is not allowed"
        )
    try:
        return {name: call.templar.indirect(name) if name != written else call.templar.evaluate_shown(name)}
    except UndefinedVariable as e:
        return {name: f"<< error 1 - {e} >>"}
    except TemplateError as e:
        reason = str(e).replace("Error rendering template: ", "Error rendering expression: ", 1)
        raise TaskError(f"Task failed: Error while resolving `var` expression: {reason}") from e

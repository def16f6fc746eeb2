"""validate_argument_spec: checks variables against a role's declared parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.agent import arguments
from provisioner.agent.argument_check import Check
from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.templating.errors import PluginError
from provisioner.templating.filters.sets import human_to_bytes
from provisioner.templating.scope import copied

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    if "argument_spec" not in call.args:
        raise TaskError(f'Task failed: "argument_spec" arg is required in args: {call.args}')
    spec, given = call.args["argument_spec"], call.args.get("provided_arguments") or {}
    for name, value in (("argument_spec", spec), ("provided_arguments", given)):
        if not isinstance(value, Mapping):
            raise TaskError(f"Task failed: Incorrect type for {name}, expected dict and got {type(value)}")
    values = {name: copied(call.templar.scope[name]) for name in spec if name in call.templar.scope}
    values.update(copied(given))
    errors = check(spec, values)
    context = call.args.get("validate_args_context", {})
    if not errors:
        return {"changed": False, "msg": "The arg spec validation passed", "validate_args_context": context}
    return {
        "failed": True,
        "changed": False,
        "msg": "Validation of arguments failed:\n" + "\n".join(errors),
        "argument_errors": errors,
        "argument_spec_data": spec,
        "validate_args_context": context,
    }


def check(spec: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """What is wrong with values; messages are worded as Ansible's."""
    made = Check(_converter)
    made.level({str(name): option or {} for name, option in spec.items()}, {str(key): value for key, value in values.items()}, {})
    unknown = made.unknown()
    return made.errors + ([unknown] if unknown else [])


def _converter(kind: str) -> Callable[[Any], Any]:
    """The conversion of a type; all raise TypeError or ValueError with Ansible's words."""
    if kind in ("raw", "jsonarg", "json"):
        return lambda value: value
    if kind in ("bytes", "bits"):
        return lambda value: _size(value, kind)
    if kind not in arguments.CONVERTERS:
        raise TypeError("'NoneType' object is not callable")
    return arguments.CONVERTERS[kind]


def _size(value: Any, kind: str) -> int:
    try:
        return int(human_to_bytes(value, isbits=kind == "bits"))
    except PluginError as e:
        raise TypeError(f"{type(value)} cannot be converted to a {'Byte' if kind == 'bytes' else 'Bit'} value") from e

"""validate_argument_spec: checks variables against a role's declared parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.templating.filters.text import to_bool

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    spec = call.args.get("argument_spec")
    if not isinstance(spec, Mapping):
        raise TaskError("Incorrect type for argument_spec, expected dict and got " + type(spec).__name__)
    given = call.args.get("provided_arguments") or {}
    values = {}
    for name in spec:
        if name in given:
            values[name] = given[name]
        elif name in call.templar.scope:
            values[name] = call.templar.render(call.templar.scope[name])
    errors = check(spec, values)
    context = call.args.get("validate_args_context", {})
    if errors:
        text = "Validation of arguments failed:\n" + "\n".join(errors)
        return {
            "failed": True,
            "changed": False,
            "msg": text,
            "argument_errors": errors,
            "argument_spec_data": spec,
            "validate_args_context": context,
        }
    return {"changed": False, "msg": "The arg spec validation passed", "validate_args_context": context}


def check(spec: Mapping[str, Any], values: Mapping[str, Any], path: str = "") -> list[str]:
    """What is wrong with values; messages are worded as Ansible's."""
    errors: list[str] = []
    missing = sorted(name for name, option in spec.items() if (option or {}).get("required") and values.get(name) is None)
    if missing:
        where = f" found in {path}" if path else ""
        errors.append(f"missing required arguments: {', '.join(missing)}{where}")
    for name, value in values.items():
        option = spec.get(name)
        if option is None:
            errors.append(f"{path + '.' if path else ''}{name}. Supported parameters include: {', '.join(sorted(spec))}.")
        elif value is not None:
            errors.extend(_one(f"{path}.{name}" if path else name, name, value, option or {}))
    return errors


def _one(path: str, name: str, value: Any, option: Mapping[str, Any]) -> list[str]:
    kind = str(option.get("type", "str"))
    if not _is(value, kind):
        return [f"argument '{name}' is of type {type(value).__name__} and we were unable to convert to {kind}: {_reason(value, kind)}"]
    errors: list[str] = []
    choices = option.get("choices")
    if choices:
        shown = value if isinstance(value, list) else [value]
        wrong = [item for item in shown if item not in choices and str(item) not in map(str, choices)]
        if wrong:
            errors.append(f"value of {name} must be one of: {', '.join(map(str, choices))}, got: {wrong[0]}")
    elements = option.get("elements")
    if elements and isinstance(value, list):
        for item in value:
            if not _is(item, str(elements)):
                errors.append(
                    f"Elements value for option '{name}' is of type {type(item).__name__} and we were unable to convert to {elements}: "
                    f"{_reason(item, str(elements))}"
                )
    inner = option.get("options")
    if inner:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                errors.extend(check(inner, item, path))
    return errors


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "str":
            return not isinstance(value, dict | list) or True
        case "bool":
            return isinstance(value, bool) or str(value).lower() in (
                "yes",
                "no",
                "true",
                "false",
                "on",
                "off",
                "1",
                "0",
                "y",
                "n",
                "t",
                "f",
            )
        case "int":
            return isinstance(value, int) or (isinstance(value, str) and value.lstrip("+-").isdigit())
        case "float":
            try:
                float(value)
            except (TypeError, ValueError):
                return False
            return True
        case "list":
            return isinstance(value, list | tuple | str | int | float)
        case "dict":
            return isinstance(value, Mapping) or (isinstance(value, str) and ("=" in value or value.strip().startswith("{")))
    return True


def _reason(value: Any, kind: str) -> str:
    return f"{type(value)} cannot be converted to {'a' if kind not in ('int',) else 'an'} {kind}"


__all__ = ["check", "plan", "to_bool"]

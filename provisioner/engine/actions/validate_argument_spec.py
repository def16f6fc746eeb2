"""validate_argument_spec: checks variables against a role's declared parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.agent import arguments
from provisioner.engine.actions.action_call import ActionCall
from provisioner.engine.errors import TaskError
from provisioner.templating.errors import PluginError
from provisioner.templating.filters.sets import human_to_bytes

LOCAL = True


def plan(call: ActionCall) -> dict[str, Any]:
    if "argument_spec" not in call.args:
        raise TaskError(f'Task failed: "argument_spec" arg is required in args: {call.args}')
    spec, given = call.args["argument_spec"], call.args.get("provided_arguments") or {}
    for name, value in (("argument_spec", spec), ("provided_arguments", given)):
        if not isinstance(value, Mapping):
            raise TaskError(f"Task failed: Incorrect type for {name}, expected dict and got {type(value)}")
    values = {name: call.templar.render(call.templar.scope[name]) for name in spec if name in call.templar.scope}
    values.update(given)
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
    found = _Check()
    found.level(spec, values, {}, ())
    for path, (names, supported) in found.unknown.items():
        shown = ", ".join(f"{path}{name}" for name in sorted(names))
        found.errors.append(f"{shown}. Supported parameters include: {', '.join(sorted(supported))}.")
    return found.errors


class _Check:
    """Goes down through options of options; `where` holds the names on the way."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.unknown: dict[str, tuple[list[str], list[str]]] = {}

    def level(self, spec: Mapping[str, Any], given: Mapping[str, Any], rules: Mapping[str, Any], where: tuple[str, ...]) -> None:
        options = {str(name): (option or {}) for name, option in spec.items()}
        names = {str(alias): name for name, option in options.items() for alias in option.get("aliases") or ()}
        values = {names.get(str(key), str(key)): value for key, value in given.items() if str(key) in names}
        values.update({str(key): value for key, value in given.items() if str(key) not in names})
        suffix = f" found in {' -> '.join(where)}" if where else ""
        extra = [name for name in values if name not in options]
        if extra:
            self.unknown["".join(f"{part}." for part in where)] = (extra, [*options])
        present = {name for name, value in values.items() if value is not None}
        for group in rules.get("mutually_exclusive") or ():
            if sum(name in present for name in group) > 1:
                self.errors.append("parameters are mutually exclusive: " + "|".join(group) + suffix)
        missing = sorted(name for name, option in options.items() if option.get("required") and name not in present)
        if missing:
            self.errors.append(f"missing required arguments: {', '.join(missing)}{suffix}")
        converted = {name: self._convert(name, options[name], values[name], where) for name in options if name in present}
        for name, value in converted.items():
            self._choices(name, options[name], value, suffix)
        self._rules(rules, present, converted, suffix)
        for name, value in converted.items():
            self._inside(name, options[name], value, where)

    def _inside(self, name: str, option: Mapping[str, Any], value: Any, where: tuple[str, ...]) -> None:
        if not option.get("options"):
            return
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                self.level(option["options"], item, option, (*where, name))

    def _convert(self, name: str, option: Mapping[str, Any], value: Any, where: tuple[str, ...]) -> Any:
        kind = str(option.get("type", "str"))
        place = f" found in '{' -> '.join(where)}'." if where else ""
        try:
            value = _converter(kind)(value)
        except (TypeError, ValueError) as e:
            text = f"argument '{name}' is of type {type(value).__name__}{place} and we were unable to convert to {kind}: {e}"
            self.errors.append(text)
            return None
        elements = option.get("elements")
        if kind != "list" or not elements:
            return value
        made = []
        for item in value:
            try:
                made.append(_converter(str(elements))(item))
            except (TypeError, ValueError) as e:
                text = f"Elements value for option '{name}'{place.rstrip('.')} is of type {type(item).__name__} and we were unable to convert to {elements}: {e}"
                self.errors.append(text)
        return made

    def _choices(self, name: str, option: Mapping[str, Any], value: Any, suffix: str) -> None:
        choices = option.get("choices")
        if not isinstance(choices, list | tuple) or value is None:
            return
        shown = ", ".join(map(str, choices))
        if isinstance(value, list):
            wrong = [str(item) for item in value if item not in choices]
            if wrong:
                self.errors.append(f"value of {name} must be one or more of: {shown}. Got no match for: {', '.join(wrong)}{suffix}")
        elif value not in choices:
            self.errors.append(f"value of {name} must be one of: {shown}, got: {value}{suffix}")

    def _rules(self, rules: Mapping[str, Any], present: set[str], values: Mapping[str, Any], suffix: str) -> None:
        for group in rules.get("required_together") or ():
            if present & set(group) and not set(group) <= present:
                self.errors.append(f"parameters are required together: {', '.join(group)}{suffix}")
        for group in rules.get("required_one_of") or ():
            if not present & set(group):
                self.errors.append(f"one of the following is required: {', '.join(group)}{suffix}")
        for key, wanted, names, *one_of in rules.get("required_if") or ():
            absent = [name for name in names if name not in present]
            lacks = len(absent) == len(names) if one_of and one_of[0] else bool(absent)
            if key in present and values.get(key) == wanted and lacks:
                word = "any" if one_of and one_of[0] else "all"
                self.errors.append(f"{key} is {wanted} but {word} of the following are missing: {', '.join(absent)}{suffix}")
        for key, needed in (rules.get("required_by") or {}).items():
            absent = [name for name in ([needed] if isinstance(needed, str) else needed) if name not in present]
            if key in present and absent:
                self.errors.append(f"missing parameter(s) required by '{key}': {', '.join(absent)}{suffix}")


def _converter(kind: str) -> Callable[[Any], Any]:
    """The conversion of a type; all raise TypeError or ValueError with Ansible's words."""
    if kind in ("raw", "jsonarg", "json"):
        return lambda value: value
    if kind in ("bytes", "bits"):
        return lambda value: _size(value, kind)
    if kind not in arguments.CONVERTERS:
        raise TypeError("'NoneType' object is not callable")
    return lambda value: _worded(kind, value)


def _worded(kind: str, value: Any) -> Any:
    try:
        if kind == "int" and (isinstance(value, bool) or (isinstance(value, float) and value.is_integer())):
            return int(value)
        if kind == "int" and not isinstance(value, int | str):
            raise TypeError(value)
        return arguments.CONVERTERS[kind](value)
    except (TypeError, ValueError) as e:
        if kind == "int":
            raise TypeError(f'"{value!r}" cannot be converted to an int') from e
        if kind == "float" or (kind in ("list", "bool") and not isinstance(value, str)):
            raise TypeError(f"{type(value)} cannot be converted to a {kind}") from e
        if kind == "dict" and not isinstance(value, str):
            raise TypeError(f"{type(value)} cannot be converted to a dict") from e
        raise


def _size(value: Any, kind: str) -> int:
    try:
        return int(human_to_bytes(value, isbits=kind == "bits"))
    except PluginError as e:
        raise TypeError(f"{type(value)} cannot be converted to a {'Byte' if kind == 'bytes' else 'Bit'} value") from e

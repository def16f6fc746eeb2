"""Checks a module's arguments against its specification, with the messages that Ansible's users know.

A specification is a dict of name to {type, required, default, choices, aliases, elements, listed}: whether messages name
it, which they do not for private ones (_name); the whole may have the key `_rules` with
mutually_exclusive, required_one_of, required_together, required_by and required_if, and `called`, the
module's name in messages.
"""

import ast
import decimal
import json
import os
import shlex
from typing import Any, Callable, Dict, List

BOOLEANS = "Valid booleans include: 0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'"
TRUE = ("y", "yes", "on", "1", "true", "t")
FALSE = ("n", "no", "off", "0", "false", "f", "")
# Keys of the controller's own, which every module may get.
PRIVATE = "_"


class ArgumentError(Exception):
    """Arguments that the module can't take."""


def checked(spec: Dict[str, Any], given: Dict[str, Any], module: str) -> Dict[str, Any]:
    """The arguments by their proper names, converted, with defaults. Raises ArgumentError."""
    rules = spec.get("_rules", {})
    fields = {name: field for name, field in spec.items() if name != "_rules"}
    aliases = {alias: name for name, field in fields.items() for alias in field.get("aliases", ())}
    found: Dict[str, Any] = {}
    unknown = []
    for key, value in given.items():
        name = aliases.get(key, key)
        if name not in fields and not key.startswith(PRIVATE):
            unknown.append(key)
        elif value is not None:
            found[name] = value
    if unknown:
        supported = ", ".join(sorted(name for name, field in fields.items() if field.get("listed", not name.startswith(PRIVATE))))
        if aliases:
            supported += " (%s)" % ", ".join(sorted(aliases))
        raise ArgumentError(
            "Unsupported parameters for (%s) module: %s. Supported parameters include: %s."
            % (rules.get("called", module), ", ".join(sorted(unknown)), supported)
        )
    missing = sorted(name for name, field in fields.items() if field.get("required") and name not in found)
    if missing:
        raise ArgumentError("missing required arguments: " + ", ".join(missing))
    # What stands in a specification as default doesn't exclude anything.
    for group in rules.get("mutually_exclusive", ()):
        if sum(name in found for name in group) > 1:
            raise ArgumentError("parameters are mutually exclusive: " + "|".join(group))
    for name, field in fields.items():
        if name in found:
            found[name] = _converted(name, found[name], field)
        elif field.get("type") == "path" and field.get("default") is not None:
            found[name] = _to_path(field["default"])
        else:
            found[name] = field.get("default")
    _rules(rules, found)
    return found


def _converted(name: str, value: Any, field: Dict[str, Any]) -> Any:
    kind = field.get("type", "str")
    try:
        value = CONVERTERS[kind](value)
    except (ValueError, TypeError) as error:
        raise ArgumentError(
            "argument '%s' is of type %s and we were unable to convert to %s: %s" % (name, type(value).__name__, kind, error)
        )
    if kind == "list" and field.get("elements"):
        value = [_converted(name, item, {"type": field["elements"]}) for item in value]
    choices = field.get("choices")
    if choices is not None:
        shown = ", ".join(str(choice) for choice in choices)
        if not isinstance(value, list):
            if value not in choices:
                raise ArgumentError("value of %s must be one of: %s, got: %s" % (name, shown, value))
        elif any(item not in choices for item in value):
            wrong = ", ".join(str(item) for item in value if item not in choices)
            raise ArgumentError("value of %s must be one or more of: %s. Got no match for: %s" % (name, shown, wrong))
    return value


def _rules(rules: Dict[str, Any], args: Dict[str, Any]) -> None:
    def has(name: str) -> bool:
        return args.get(name) is not None

    for group in rules.get("required_one_of", ()):
        if not any(has(name) for name in group):
            raise ArgumentError("one of the following is required: " + ", ".join(group))
    for group in rules.get("required_together", ()):
        if any(has(name) for name in group) and not all(has(name) for name in group):
            raise ArgumentError("parameters are required together: " + ", ".join(group))
    for name, needed in rules.get("required_by", {}).items():
        absent = [other for other in needed if has(name) and not has(other)]
        if absent:
            raise ArgumentError("missing parameter(s) required by '%s': %s" % (name, ", ".join(absent)))
    for key, value, names in rules.get("required_if", ()):
        absent = [name for name in names if not has(name)]
        if args.get(key) == value and absent:
            raise ArgumentError("%s is %s but all of the following are missing: %s" % (key, value, ", ".join(absent)))


def to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, (str, int, float)):
        raise TypeError("%s cannot be converted to a bool" % type(value))
    text = str(value).strip().lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise TypeError("The value '%s' is not a valid boolean. %s" % (value, BOOLEANS))


def _to_str(value: Any) -> str:
    return str(value)


def _to_list(value: Any) -> List[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, (int, float)):
        return [str(value)]
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    raise TypeError("%s cannot be converted to a list" % type(value))


def _to_dict(value: Any) -> Dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        if value.startswith("{"):
            return _mapping(value)
        elif "=" in value:
            return dict(part.split("=", 1) for part in shlex.split(value.replace(",", " ")))
        raise TypeError("dictionary requested, could not parse JSON or key=value")
    raise TypeError("%s cannot be converted to a dict" % type(value))


def _mapping(text: str) -> Dict[str, Any]:
    """A dictionary as JSON or Python writes it."""
    for read in (json.loads, ast.literal_eval):
        try:
            document = read(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(document, dict):
            return document
    raise TypeError("unable to evaluate string as dictionary")


def _to_int(value: Any) -> int:
    if isinstance(value, int):
        return value
    try:
        number = decimal.Decimal(value)
        if number == int(number):
            return int(number)
    except (decimal.DecimalException, TypeError, ValueError, OverflowError):
        pass
    raise TypeError('"%r" cannot be converted to an int' % (value,))


def _to_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError("%s cannot be converted to a float" % type(value))


def _to_path(value: Any) -> str:
    return os.path.expanduser(os.path.expandvars(str(value)))


def _to_mode(value: Any) -> Any:
    return value


CONVERTERS: Dict[str, Callable[[Any], Any]] = {
    "str": _to_str,
    "bool": to_bool,
    "int": _to_int,
    "float": _to_float,
    "list": _to_list,
    "dict": _to_dict,
    "path": _to_path,
    "raw": _to_mode,
}

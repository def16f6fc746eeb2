"""Checks a module's arguments against its specification, with the messages that Ansible's users know.

A specification is a dict of name to {type, required, default, choices, aliases, elements, options, listed}: whether messages
name it, which they do not for private ones (_name); the whole may have the key `_rules` with
mutually_exclusive, required_one_of, required_together, required_by and required_if, `called`, the
module's name in messages, and `others`: whether arguments that it does not know are taken, to be passed on.
"""

import ast
import decimal
import json
import os
import re
import shlex
from typing import Any, Callable, Dict, List

from provisioner.agent.argument_check import FALSE_WORDS, TRUE_WORDS, Check

BOOLEANS = "Valid booleans include: 0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'"
# Keys of the controller's own, which every module may get.
PRIVATE = "_"


class ArgumentError(Exception):
    """Arguments that the module can't take."""


def checked(spec: Dict[str, Any], given: Dict[str, Any], module: str) -> Dict[str, Any]:
    """The arguments by their proper names, converted, with defaults. Raises ArgumentError."""
    rules = spec.get("_rules", {})
    fields = {name: field for name, field in spec.items() if name != "_rules"}
    check = Check(_converter, PRIVATE)
    found = check.level(fields, given, rules)
    takes_others = rules.get("others", False)
    refuse(check, rules.get("called", module), takes_others)
    others = set(found).difference(*(field.get("aliases", ()) for field in fields.values())) if takes_others else ()
    return {
        name: _given(value) if fields.get(name, {}).get("options") else value
        for name, value in found.items()
        if name in fields or name.startswith(PRIVATE) or name in others
    }


def _given(value: Any) -> Any:
    """Options of options without those that nobody gave, which our own modules don't expect."""
    if isinstance(value, dict):
        return {name: _given(inner) for name, inner in value.items() if inner is not None}
    return [_given(item) for item in value] if isinstance(value, list) else value


def refuse(check: Check, module: str, others: bool = False) -> None:
    """Raises ArgumentError for the first of what is wrong; unknown arguments come last, unless others are taken, too."""
    if check.errors:
        raise ArgumentError(check.errors[0])
    unknown = "" if others else check.unknown()
    if unknown:
        raise ArgumentError("Unsupported parameters for (%s) module: %s" % (module, unknown))


def _converter(kind: str) -> Callable[[Any], Any]:
    return _to_stripped_list if kind == "list" else CONVERTERS[kind]


def to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, (str, int, float)):
        raise TypeError("%s cannot be converted to a bool" % type(value))
    text = ("%g" % value if isinstance(value, float) else str(value)).strip().lower()
    if text in TRUE_WORDS:
        return True
    if text in FALSE_WORDS:
        return False
    raise TypeError("The value '%s' is not a valid boolean. %s" % (value, BOOLEANS))


def _to_str(value: Any) -> str:
    return "" if value is None else str(value)


def _to_list(value: Any) -> List[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, (int, float)):
        return [str(value)]
    if isinstance(value, str):
        return value.split(",")
    raise TypeError("%s cannot be converted to a list" % type(value))


def _to_stripped_list(value: Any) -> List[Any]:
    """Our own modules take no blanks for meant."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    return _to_list(value)


def to_dict(value: Any) -> Dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        if value.startswith("{"):
            return _mapping(value)
        elif "=" in value:
            return _pairs(value)
        raise TypeError("dictionary requested, could not parse JSON or key=value")
    raise TypeError("%s cannot be converted to a dict" % type(value))


def _pairs(text: str) -> Dict[str, Any]:
    """key=value, separated by blanks or commas outside quotes."""
    found = {}
    for part in shlex.split(re.sub(r",(?=(?:[^'\"]|'[^']*'|\"[^\"]*\")*$)", " ", text)):
        key, equals, value = part.partition("=")
        if not equals:
            raise TypeError('unable to evaluate string in the "key=value" format as dictionary')
        found[key] = value
    return found


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
    return os.path.expanduser(os.path.expandvars(_to_str(value)))


def _to_mode(value: Any) -> Any:
    return value


CONVERTERS: Dict[str, Callable[[Any], Any]] = {
    "str": _to_str,
    "bool": to_bool,
    "int": _to_int,
    "float": _to_float,
    "list": _to_list,
    "dict": to_dict,
    "path": _to_path,
    "raw": _to_mode,
}

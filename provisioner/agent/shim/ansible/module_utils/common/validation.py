"""Checks of arguments, one function a rule. All raise TypeError with the message that Ansible's users know."""

import json
import os
import re
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible.module_utils.common.text.formatters import human_to_bytes
from provisioner.agent.arguments import CONVERTERS


def _check(kind: str, value: Any) -> Any:
    try:
        return CONVERTERS[kind](value)
    except ValueError as error:
        raise TypeError(str(error)) from None


def check_type_str(value: Any, allow_conversion: bool = True, param: Any = None, prefix: str = "") -> str:
    if isinstance(value, str):
        return value
    if allow_conversion:
        return "" if value is None else str(value)
    raise TypeError("'%r' is not a string and conversion is not allowed" % (value,))


def check_type_list(value: Any) -> List[Any]:
    found: List[Any] = _check("list", value)
    return found


def check_type_dict(value: Any) -> Dict[str, Any]:
    found: Dict[str, Any] = _check("dict", value)
    return found


def check_type_bool(value: Any) -> bool:
    return bool(_check("bool", value))


def check_type_int(value: Any) -> int:
    found: int = _check("int", value)
    return found


def check_type_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError("%s cannot be converted to a float" % type(value)) from None


def check_type_path(value: Any) -> str:
    return os.path.expanduser(os.path.expandvars(check_type_str(value)))


def check_type_raw(value: Any) -> Any:
    return value


def check_type_bytes(value: Any) -> int:
    try:
        return int(human_to_bytes(value))
    except ValueError:
        raise TypeError("%s cannot be converted to a Byte value" % type(value)) from None


def check_type_bits(value: Any) -> int:
    try:
        return int(human_to_bytes(value, isbits=True))
    except ValueError:
        raise TypeError("%s cannot be converted to a Bit value" % type(value)) from None


def check_type_jsonarg(value: Any) -> str:
    if isinstance(value, (str, bytes)):
        return value.strip() if isinstance(value, str) else value.decode().strip()
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value)
    raise TypeError("%s cannot be converted to a json string" % type(value))


def safe_eval(value: Any, locals: Any = None, include_exceptions: bool = False) -> Any:
    """A literal's value; other text stays text."""
    import ast

    found, problem = value, None
    if isinstance(value, str) and not re.search(r"\w\.\w+\(|import \w+", value):
        try:
            found = ast.literal_eval(value)
        except (SyntaxError, ValueError) as error:
            problem = error
    return (found, problem) if include_exceptions else found


def count_terms(terms: Any, parameters: Dict[str, Any]) -> int:
    return len(set([terms] if isinstance(terms, str) else terms) & set(parameters))


def check_missing_parameters(parameters: Dict[str, Any], required_parameters: Optional[Sequence[str]] = None) -> List[str]:
    missing = [name for name in required_parameters or () if not parameters.get(name)]
    if missing:
        raise TypeError("missing required arguments: " + ", ".join(missing))
    return missing


def check_required_arguments(argument_spec: Any, parameters: Dict[str, Any], options_context: Any = None) -> List[str]:
    missing = [name for name, option in (argument_spec or {}).items() if option.get("required") and name not in parameters]
    if missing:
        raise TypeError("missing required arguments: " + ", ".join(sorted(missing)))
    return missing


def check_mutually_exclusive(terms: Any, parameters: Dict[str, Any], options_context: Any = None) -> List[Any]:
    wrong = [group for group in terms or () if count_terms(group, parameters) > 1]
    if wrong:
        raise TypeError("parameters are mutually exclusive: " + ", ".join("|".join(group) for group in wrong))
    return wrong


def check_required_one_of(terms: Any, parameters: Dict[str, Any], options_context: Any = None) -> List[Any]:
    for group in terms or ():
        if not count_terms(group, parameters):
            raise TypeError("one of the following is required: " + ", ".join(group))
    return []


def check_required_together(terms: Any, parameters: Dict[str, Any], options_context: Any = None) -> List[Any]:
    for group in terms or ():
        given = [count_terms(name, parameters) for name in group]
        if any(given) and not all(given):
            raise TypeError("parameters are required together: " + ", ".join(group))
    return []


def check_required_if(requirements: Any, parameters: Dict[str, Any], options_context: Any = None) -> List[Any]:
    for requirement in requirements or ():
        key, wanted, names, any_of = (*requirement, False)[:4]
        absent = [name for name in names if not parameters.get(name)]
        if key in parameters and parameters[key] == wanted and (len(absent) == len(names) if any_of else absent):
            raise TypeError(
                "%s is %s but %s of the following are missing: %s" % (key, wanted, "any" if any_of else "all", ", ".join(absent))
            )
    return []


def check_required_by(requirements: Any, parameters: Dict[str, Any], options_context: Any = None) -> Dict[str, List[str]]:
    for key, names in (requirements or {}).items():
        absent = [name for name in ([names] if isinstance(names, str) else names) if parameters.get(name) is None]
        if parameters.get(key) is not None and absent:
            raise TypeError("missing parameter(s) required by '%s': %s" % (key, ", ".join(absent)))
    return {}


DEFAULT_TYPE_VALIDATORS: Dict[str, Any] = {
    "str": check_type_str, "list": check_type_list, "dict": check_type_dict, "bool": check_type_bool, "int": check_type_int,
    "float": check_type_float, "path": check_type_path, "raw": check_type_raw, "jsonarg": check_type_jsonarg, "json": check_type_jsonarg,
    "bytes": check_type_bytes, "bits": check_type_bits,
}  # fmt: skip
Rule = Tuple[str, Any, Sequence[str]]

"""A module's arguments: checked at every depth, with fallbacks for what is absent; and what must not be shown taken out of results."""

import os
from typing import Any, Callable, Dict, Iterable, List, Set

from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.common.validation import (
    DEFAULT_TYPE_VALIDATORS,
    check_type_bits,
    check_type_bool,
    check_type_bytes,
    check_type_dict,
    check_type_float,
    check_type_int,
    check_type_jsonarg,
    check_type_list,
    check_type_path,
    check_type_raw,
    check_type_str,
)
from provisioner.agent.argument_check import Check
from provisioner.agent.argument_check import FallbackAbsent as AnsibleFallbackNotFound
from provisioner.agent.arguments import refuse

__all__ = [
    "AnsibleFallbackNotFound", "DEFAULT_TYPE_VALIDATORS", "check", "check_type_bits", "check_type_bool", "check_type_bytes", "check_type_dict",
    "check_type_float", "check_type_int", "check_type_jsonarg", "check_type_list", "check_type_path", "check_type_raw", "check_type_str",
    "converter", "env_fallback", "no_log_values", "remove_values", "sanitize_keys",
]  # fmt: skip
HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def env_fallback(*names: str, **_: Any) -> Any:
    for name in names:
        if name in os.environ:
            return os.environ[name]
    raise AnsibleFallbackNotFound


def converter(kind: Any) -> Callable[[Any], Any]:
    found: Callable[[Any], Any] = kind if callable(kind) else DEFAULT_TYPE_VALIDATORS.get(kind, _of_no_type)
    return found


def _of_no_type(value: Any) -> Any:
    raise TypeError("'NoneType' object is not callable")


def check(spec: Dict[str, Any], given: Dict[str, Any], name: str, rules: Dict[str, Any], told: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The arguments by their proper names; what is deprecated is added to `told`. Raises ArgumentError."""
    made = Check(converter)
    found = made.level(spec, given, rules)
    told.extend(made.told)
    refuse(made, name)
    return found


def no_log_values(spec: Dict[str, Any], params: Dict[str, Any]) -> Set[str]:
    """Texts of arguments that are secrets, at every depth, whatever their names; as they were given, before they are converted."""
    found: Set[str] = set()
    for key, option in spec.items():
        for value in [params[name] for name in (key, *(option.get("aliases") or ())) if name in params]:
            if value in (None, "", [], {}):
                continue
            if option.get("no_log"):
                found.update(_texts(value))
            elif option.get("options"):
                for item in value if isinstance(value, list) else [value]:
                    found |= no_log_values(option["options"], _as_dict(item))
    return found


def _as_dict(item: Any) -> Dict[str, Any]:
    try:
        found: Dict[str, Any] = check_type_dict(item)
    except (TypeError, ValueError):
        return {}
    return found


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple, set)):
        for item in value:
            for text in _texts(item):
                yield text
    elif value is not None and not isinstance(value, bool) and str(value):
        yield to_text(value)


def remove_values(value: Any, no_log_strings: Iterable[Any]) -> Any:
    """The value without these texts: a text that is one of them is replaced, inside others stars stand for it."""
    hidden = [to_text(text) for text in no_log_strings if text]
    return _without(value, sorted(hidden, key=len, reverse=True)) if hidden else value


def _without(value: Any, hidden: List[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, hidden) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_without(item, hidden) for item in value]
    if value is None or isinstance(value, bool):
        return value
    text = to_text(value)
    if text in hidden:
        return HIDDEN
    if not isinstance(value, (str, bytes)):
        return HIDDEN if any(secret in text for secret in hidden) else value
    for secret in hidden:
        text = text.replace(secret, "*" * 8)
    return text


def sanitize_keys(obj: Any, no_log_strings: Iterable[Any], ignore_keys: Iterable[str] = frozenset()) -> Any:
    """Like remove_values, for the keys of dicts."""
    hidden = sorted((to_text(text) for text in no_log_strings if text), key=len, reverse=True)
    if isinstance(obj, dict):
        return {
            key if key in ignore_keys or str(key).startswith("_ansible") else _without(key, hidden): sanitize_keys(
                item, hidden, ignore_keys
            )
            for key, item in obj.items()
        }
    return [sanitize_keys(item, hidden, ignore_keys) for item in obj] if isinstance(obj, (list, tuple, set)) else obj

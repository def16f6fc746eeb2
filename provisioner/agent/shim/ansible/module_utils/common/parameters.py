"""A module's arguments: checked at every depth, with fallbacks for what is absent; and what must not be shown taken out of results."""

import os
from typing import Any, Callable, Dict, Iterable, List

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
from provisioner.agent.hidden_values import HIDDEN, no_log_values, remove_values, without

__all__ = [
    "AnsibleFallbackNotFound", "DEFAULT_TYPE_VALIDATORS", "HIDDEN", "check", "check_type_bits", "check_type_bool", "check_type_bytes", "check_type_dict",
    "check_type_float", "check_type_int", "check_type_jsonarg", "check_type_list", "check_type_path", "check_type_raw", "check_type_str",
    "converter", "env_fallback", "no_log_values", "remove_values", "sanitize_keys",
]  # fmt: skip


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


def sanitize_keys(obj: Any, no_log_strings: Iterable[Any], ignore_keys: Iterable[str] = frozenset()) -> Any:
    """Like remove_values, for the keys of dicts."""
    hidden = sorted((to_text(text) for text in no_log_strings if text), key=len, reverse=True)
    if isinstance(obj, dict):
        return {
            key if key in ignore_keys or str(key).startswith("_ansible") else without(key, hidden): sanitize_keys(item, hidden, ignore_keys)
            for key, item in obj.items()
        }
    return [sanitize_keys(item, hidden, ignore_keys) for item in obj] if isinstance(obj, (list, tuple, set)) else obj

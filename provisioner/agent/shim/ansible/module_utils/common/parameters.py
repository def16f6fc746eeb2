"""A module's arguments: checked at every depth, with fallbacks for what is absent; and what must not be shown taken out of results."""

import os
from typing import Any, Callable, Dict, Iterable, List, Set

from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.common.validation import DEFAULT_TYPE_VALIDATORS, check_required_by
from provisioner.agent.arguments import ArgumentError, checked

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
RULES = ("mutually_exclusive", "required_one_of", "required_together", "required_if")
_FIELDS = ("type", "required", "default", "choices", "aliases", "elements")
_OURS = frozenset({"str", "bool", "int", "float", "list", "dict", "path", "raw"})


class AnsibleFallbackNotFound(Exception):
    """A fallback that has nothing."""


def env_fallback(*names: str, **_: Any) -> Any:
    for name in names:
        if name in os.environ:
            return os.environ[name]
    raise AnsibleFallbackNotFound


def _converter(option: Dict[str, Any]) -> Any:
    """What turns a value into a type that only modules of others have; None for our own."""
    kind = option.get("type", "str")
    if callable(kind):
        return kind
    return None if kind in _OURS else DEFAULT_TYPE_VALIDATORS.get(kind, lambda value: value)


def check(spec: Dict[str, Any], given: Dict[str, Any], name: str, rules: Dict[str, Any]) -> Dict[str, Any]:
    """The arguments by their proper names. Raises ArgumentError."""
    plain: Dict[str, Any] = {}
    for key, option in spec.items():
        plain[key] = {field: option[field] for field in _FIELDS if field in option}
        if _converter(option):
            plain[key]["type"] = "raw"
        aliases = [key, *option.get("aliases", ())]
        if option.get("fallback") and not any(given.get(alias) is not None for alias in aliases):
            _fall_back(key, option["fallback"], given)
    found = checked(dict(plain, _rules={key: rules[key] for key in RULES if rules.get(key)}), given, name)
    for key, option in spec.items():
        convert, inner = _converter(option), option.get("options")
        if convert and found.get(key) is not None:
            found[key] = _converted(convert, key, option, found[key])
        if inner and found.get(key) is None and option.get("apply_defaults"):
            found[key] = {}
        if inner and found.get(key) is not None:
            found[key] = _inner(inner, found[key], "%s' found in '%s" % (name, key), option)
    try:
        check_required_by(rules.get("required_by"), found)
    except TypeError as error:
        raise ArgumentError(str(error))
    return found


def _fall_back(key: str, fallback: Any, given: Dict[str, Any]) -> None:
    function, args, options = fallback[0], [], {}  # type: Callable[..., Any], List[Any], Dict[str, Any]
    for part in fallback[1:]:
        if isinstance(part, dict):
            options = part
        else:
            args = part
    try:
        given[key] = function(*args, **options)
    except (AnsibleFallbackNotFound, KeyError):
        pass


def _converted(convert: Callable[[Any], Any], key: str, option: Dict[str, Any], value: Any) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError) as error:
        kind = getattr(option.get("type"), "__name__", option.get("type"))
        raise ArgumentError(
            "argument '%s' is of type %s and we were unable to convert to %s: %s" % (key, type(value).__name__, kind, error)
        )


def _inner(spec: Dict[str, Any], value: Any, name: str, rules: Dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [check(spec, dict(item), name, rules) for item in value]
    return check(spec, dict(value), name, rules)


def no_log_values(spec: Dict[str, Any], params: Dict[str, Any]) -> Set[str]:
    """Texts of arguments that are secrets, at every depth."""
    found: Set[str] = set()
    for key, option in spec.items():
        value = params.get(key)
        if value in (None, "", [], {}):
            continue
        if option.get("no_log"):
            found.update(_texts(value))
        elif option.get("options"):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    found |= no_log_values(option["options"], item)
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
        return value
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

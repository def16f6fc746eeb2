"""What must not be shown of a module's arguments (no_log in its specification), taken out of what it answers."""

from typing import Any, Dict, Iterable, List, Optional, Set

from provisioner.agent.arguments import to_bool, to_dict

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def no_log_values(spec: Dict[str, Any], params: Dict[str, Any]) -> Set[str]:
    """Texts of arguments that are secrets, at every depth, whatever their names; as they were given, before they are converted.

    `no_log_if` names the argument that says whether it is one.
    """
    found: Set[str] = set()
    for key, option in spec.items():
        for value in [params[name] for name in (key, *(option.get("aliases") or ())) if name in params]:
            if value in (None, "", [], {}):
                continue
            if option.get("no_log") or _said(option.get("no_log_if"), params):
                found.update(_texts(value))
            elif option.get("options"):
                for item in value if isinstance(value, list) else [value]:
                    found |= no_log_values(option["options"], _as_dict(item))
    return found


def _said(name: Optional[str], params: Dict[str, Any]) -> bool:
    try:
        return name is not None and to_bool(params.get(name, False))
    except TypeError:
        return True


def _as_dict(item: Any) -> Dict[str, Any]:
    try:
        found: Dict[str, Any] = to_dict(item)
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
        yield _text(value)


def remove_values(value: Any, no_log_strings: Iterable[Any]) -> Any:
    """The value without these texts: a text that is one of them is replaced, inside others stars stand for it."""
    hidden = [_text(text) for text in no_log_strings if text]
    return without(value, sorted(hidden, key=len, reverse=True)) if hidden else value


def without(value: Any, hidden: List[str]) -> Any:
    if isinstance(value, dict):
        return {key: without(item, hidden) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [without(item, hidden) for item in value]
    if value is None or isinstance(value, bool):
        return value
    text = _text(value)
    if text in hidden:
        return HIDDEN
    if not isinstance(value, (str, bytes)):
        return HIDDEN if any(secret in text for secret in hidden) else value
    for secret in hidden:
        text = text.replace(secret, "*" * 8)
    return text


def _text(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)

"""What kind of value each keyword of plays, blocks and tasks takes; checked when content is parsed, with Ansible's words."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Any

from provisioner.engine.errors import PlaybookError, RunError
from provisioner.inventory.documents import LocatedDict, Location, location_of
from provisioner.templating import TemplateError, is_template
from provisioner.templating.filters.text import to_bool

_MAPPINGS = frozenset({"args", "loop_control", "module_defaults", "environment"})
_LISTS = frozenset({"block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers", "roles", "vars_prompt"})
_NAMES = frozenset({"tags", "notify", "listen", "collections"})
_CONDITIONS = frozenset({"when", "until", "changed_when", "failed_when"})
_FLAGS = frozenset(
    {"any_errors_fatal", "become", "check_mode", "delegate_facts", "diff", "force_handlers", "gather_facts", "ignore_errors", "ignore_unreachable",
     "no_log", "run_once"}
)  # fmt: skip
_NUMBERS = frozenset({"async", "delay", "gather_timeout", "max_fail_percentage", "poll", "port", "retries", "throttle", "timeout"})
_TEXTS = frozenset({"become_method", "become_user", "connection", "delegate_to", "name", "order", "remote_user", "strategy"})
_DEBUGGER = ("always", "never", "on_failed", "on_skipped", "on_unreachable")
_BOOLEANS = frozenset({"yes", "no", "on", "off", "true", "false", "1", "0", "y", "n", "t", "f"})


def check(raw: Mapping[Any, Any], kind: str, place: Location | None) -> None:
    """Raises PlaybookError for the first keyword whose value is of the wrong kind. None stands for absent."""
    for key, value in raw.items():
        if value is None or (kind == "task" and key == "gather_facts"):  # which is a module there
            continue
        wrong = _wrong(str(key), value, kind)
        if wrong:
            at = raw.value_at(key) if isinstance(raw, LocatedDict) else place
            raise PlaybookError(f"the field '{key}' of a {kind} {wrong}, but is {_shown(value)}", at)
        if key == "vars":
            check_vars(raw, kind.capitalize(), place)


def check_vars(raw: Mapping[Any, Any], kind: str, place: Location | None) -> None:
    """Variables are needed before anything can be rendered. Raises PlaybookError for those that are no mapping, RunError for one's name."""
    value = raw.get("vars") or {}
    if not isinstance(value, Mapping):
        at = raw.value_at("vars") if isinstance(raw, LocatedDict) else place
        raise PlaybookError(f"Vars in a {kind} must be specified as a dictionary", at)
    for name in value:
        if not is_name(name):
            hint = "letters, digits and underscores make a name that is no word of Python"
            raise RunError(f"Invalid variable name {name!r}", location_of(value, name) or place, hint)


def _wrong(key: str, value: Any, kind: str) -> str:
    if is_template(value) and key not in _LISTS:
        return ""
    if key in _MAPPINGS:
        parts = value if isinstance(value, list) and key != "loop_control" else [value]
        good = all(isinstance(part, Mapping) or is_template(part) for part in parts)
        return "" if good else "must be a mapping"
    if key in _LISTS:
        return "" if isinstance(value, list) else "must be a list"
    if key in _NAMES:
        parts = value if isinstance(value, list) else [value]
        return "" if all(isinstance(part, str | int | float) for part in parts) else "must be a name or a list of names"
    if key in _CONDITIONS:
        parts = value if isinstance(value, list) else [value]
        return "" if all(not isinstance(part, Mapping | list) for part in parts) else "must be an expression or a list of expressions"
    if kind != "play" and key in _FLAGS | _NUMBERS and isinstance(value, str):
        return ""  # the task fails when its turn comes
    if key in _FLAGS:
        return "" if isinstance(value, bool) or str(value).lower() in _BOOLEANS else "must be true or false"
    if key in _NUMBERS:
        return "" if _is_number(value) else "must be a number"
    if key == "debugger":
        return "" if value in _DEBUGGER else f"must be one of {', '.join(_DEBUGGER)}"
    if key in _TEXTS:
        return "" if isinstance(value, str | int | float) else "must be text"
    return ""


def as_flag(name: str, value: Any) -> bool:
    """A keyword's value as true or false. Raises TemplateError."""
    if isinstance(value, bool):
        return value
    if str(value).strip().lower() not in _BOOLEANS or isinstance(value, list | dict):
        raise _unfit(name, value, "bool")
    return bool(to_bool(value))


def as_number(name: str, value: Any) -> float:
    """A keyword's value as a number. Raises TemplateError."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise _unfit(name, value, "float" if name in ("delay", "pause") else "int") from None


def _unfit(name: str, value: Any, kind: str) -> TemplateError:
    return TemplateError(f"Error processing keyword '{name}': The value {value!r} could not be converted to '{kind}'.")


def is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isidentifier() and not keyword.iskeyword(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return float(str(value).rstrip("%")) is not None
    except ValueError:
        return False


def _shown(value: Any) -> str:
    text = repr(dict(value)) if isinstance(value, Mapping) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

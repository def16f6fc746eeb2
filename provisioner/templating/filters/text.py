"""Filters on text: regular expressions, quoting, encoding, comments, URLs, truth."""

from __future__ import annotations

import base64
import re
import shlex
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

from jinja2.runtime import Undefined

from provisioner.templating.errors import PluginError

_TRUE = {"yes", "on", "1", "true", "t", "y"}
# Ansible's own name space for to_uuid.
_UUID_NAMESPACE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")


def to_bool(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value == 1
    text = str(value).strip().lower()
    return text in _TRUE


def ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    if value is None and none_val is not None:
        return none_val
    return true_val if bool(value) else false_val


def mandatory(value: Any, msg: str | None = None) -> Any:
    if isinstance(value, Undefined):
        name = f"'{value._undefined_name}' " if value._undefined_name else ""
        raise PluginError(msg if msg is not None else f"Mandatory variable {name}not defined.")
    return value


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


def _flags(ignorecase: bool, multiline: bool, dotall: bool = False) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0) | (re.DOTALL if dotall else 0)


def _compile(pattern: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags)
    except re.error as e:
        raise PluginError(str(e)) from e


def regex_replace(
    value: Any = "",
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    result, made = _compile(pattern, _flags(ignorecase, multiline)).subn(replacement, _text(value), count=count)
    if mandatory_count and made != mandatory_count:
        raise PluginError(f"'{pattern}' should match {mandatory_count} times, but matches {made} times in '{value}'")
    return result


def regex_search(value: Any, regex: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Any:
    wanted: list[int | str] = []
    for name in groups:
        group = re.fullmatch(r"\\g<(\S+)>|\\(\d+)", name)
        if group is None:
            raise PluginError("Unknown argument" if not name.startswith("\\") else f"{name!r} is no group: they are \\1 or \\g<name>")
        wanted.append(group[1] or int(group[2]))
    found = _compile(regex, _flags(ignorecase, multiline)).search(_text(value))
    if found is None:
        return None
    return [found.group(group) for group in wanted] if groups else found.group()


def regex_findall(value: Any, regex: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    return _compile(regex, _flags(ignorecase, multiline)).findall(_text(value))


def regex_escape(value: Any, re_type: str = "python") -> str:
    if re_type == "python":
        return re.escape(_text(value))
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", _text(value))
    if re_type == "posix_extended":
        raise PluginError(f"Regex type ({re_type}) not yet implemented")
    raise PluginError(f"Invalid regex type ({re_type})")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    return value if isinstance(value, str) else str(value)


def quote(value: Any) -> str:
    return shlex.quote("" if value is None else _text(value))


def b64encode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    data = _text(value).encode(encoding, errors="surrogateescape")
    return (base64.urlsafe_b64encode(data) if urlsafe else base64.b64encode(data)).decode()


def b64decode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    try:
        data = base64.urlsafe_b64decode(_text(value).encode()) if urlsafe else base64.b64decode(_text(value).encode())
        return data.decode(encoding, errors="surrogateescape")
    except ValueError as e:
        raise PluginError(str(e)) from e


_COMMENTS: dict[str, dict[str, str]] = {
    "plain": {"decoration": "# "},
    "decoration": {"decoration": ""},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}


def comment(text: str, style: str = "plain", newline: str = "\n", **options: Any) -> str:
    if style not in _COMMENTS:
        raise PluginError(f"Invalid style {style!r}.")
    settings: dict[str, Any] = {"beginning": "", "end": "", "prefix_count": 1, "postfix_count": 1, **_COMMENTS[style]}
    decoration = options.get("decoration", settings["decoration"])
    settings["prefix"] = settings["postfix"] = decoration.rstrip()
    settings.update(options)
    head = f"{settings['beginning']}{newline}" if settings["beginning"] else ""
    tail = f"{newline}{settings['end']}" if settings["end"] else ""
    # An empty prefix is no line; one that is a line's end is not ended once more.
    prefix = settings["prefix"] + (newline if settings["prefix"] not in ("", newline) else "")
    postfix = f"{newline}{settings['postfix']}" * int(settings["postfix_count"])
    body = (decoration + text.replace(newline, newline + decoration)).replace(decoration + newline, decoration.rstrip() + newline)
    return f"{head}{prefix * int(settings['prefix_count'])}{body}{postfix}{tail}"


def to_uuid(value: Any, namespace: Any = _UUID_NAMESPACE) -> str:
    try:
        space = namespace if isinstance(namespace, uuid.UUID) else uuid.UUID(str(namespace))
    except ValueError as e:
        raise PluginError(f"Invalid value {namespace!r} for 'namespace': {e}") from e
    return str(uuid.uuid5(space, _text(value)))


def split_url(value: str, query: str = "") -> Any:
    parts = urlsplit(value)
    found = {
        "fragment": parts.fragment,
        "hostname": parts.hostname,
        "netloc": parts.netloc,
        "password": parts.password,
        "path": parts.path,
        "port": parts.port,
        "query": parts.query,
        "scheme": parts.scheme,
        "username": parts.username,
    }
    if not query:
        return found
    if query not in found:
        raise PluginError(f"urlsplit: unknown URL component: {query}")
    return found[query]


def split(value: str, *args: Any, **options: Any) -> list[str]:
    return str.split(value, *args, **options)  # of a text only, as Ansible has it


def to_int(value: Any, default: int = 0, base: int = 10) -> int:
    try:
        return int(value, base) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        try:
            return int(float(value))
        except (TypeError, ValueError, OverflowError):
            return default


def query_string(value: str) -> dict[str, list[str]]:
    return parse_qs(value)


FILTERS: dict[str, Callable[..., Any]] = {
    "bool": lambda value: bool(to_bool(value)),
    "int": to_int,
    "ternary": ternary,
    "mandatory": mandatory,
    "default": default,
    "d": default,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "regex_findall": regex_findall,
    "regex_escape": regex_escape,
    "quote": quote,
    "b64encode": b64encode,
    "b64decode": b64decode,
    "comment": comment,
    "to_uuid": to_uuid,
    "urlsplit": split_url,
    "urldecode": unquote_plus,
    "split": split,
}

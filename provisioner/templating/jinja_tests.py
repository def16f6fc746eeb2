"""Ansible's tests: results of tasks, versions, regular expressions, sets, files on the controller."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from provisioner.templating.errors import PluginError
from provisioner.templating.filters.text import to_bool
from provisioner.templating.values import Vaulted
from provisioner.templating.vault import HEADER


def _result(value: Any, test: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PluginError(f"The '{test}' test expects a dictionary")
    return value


def failed(value: Any) -> bool:
    return bool(_result(value, "failed").get("failed", False))


def changed(value: Any) -> bool:
    result = _result(value, "changed")
    if "changed" not in result and isinstance(result.get("results"), list):
        return any(isinstance(item, Mapping) and item.get("changed") for item in result["results"])
    return bool(result.get("changed", False))


def _flag(name: str) -> Callable[[Any], bool]:
    return lambda value: bool(_result(value, name).get(name, False))


def _job(name: str) -> Callable[[Any], bool]:
    """Results without the key come from tasks that were not asynchronous: they started and finished."""
    return lambda value: bool(_result(value, name).get(name, True))


def matches(how: str) -> Callable[..., bool]:
    def test(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False, match_type: str = how) -> bool:
        flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
        try:
            compiled = re.compile(pattern, flags)
        except re.error as e:
            raise PluginError(f"{pattern!r} is not a regular expression: {e}") from e
        found: Any = getattr(compiled, match_type, "search")
        return bool(found(str(value)))

    return test


def _loose(text: str) -> list[Any]:
    """Numbers and words of a version. What is neither stays as it is, and a word cannot be compared with a number."""
    parts = [part for part in re.split(r"(\d+|[a-z]+|\.)", text) if part and part != "."]
    return [int(part) if part.isdecimal() else part for part in parts]


def _semantic(text: str) -> list[Any]:
    found = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", text.strip())
    if found is None:
        raise PluginError(f"Version comparison failed: invalid semantic version '{text}'")
    release = [int(found.group(i)) for i in (1, 2, 3)]
    marks = [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in (found.group(4) or "").split(".") if p]
    return [release, not marks, marks]


def _strict(text: str) -> list[Any]:
    """Two or three numbers, and an alpha or beta mark."""
    found = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", text.strip())
    if found is None:
        raise PluginError(f"Version comparison failed: invalid version number '{text}'")
    release = [int(found.group(i) or 0) for i in (1, 2, 3)]
    return [release, found.group(4) is None, found.group(4) or "", int(found.group(5) or 0)]


def _pep440(text: str) -> Any:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion as e:
        raise PluginError(f"Version comparison failed: {e}") from e


_READERS: dict[str, Callable[[str], Any]] = {
    "loose": _loose,
    "strict": _strict,
    "semver": _semantic,
    "semantic": _semantic,
    "pep440": _pep440,
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "=": lambda a, b: a == b,
    "eq": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "lt": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "le": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "gt": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "ge": lambda a, b: a >= b,
    "!=": lambda a, b: a != b,
    "<>": lambda a, b: a != b,
    "ne": lambda a, b: a != b,
}


def version(value: Any, against: Any, operator: str = "eq", strict: Any = None, version_type: str | None = None) -> bool:
    if not value:
        raise PluginError("Input version value cannot be empty")
    if not against:
        raise PluginError("Version parameter to compare against cannot be empty")
    if operator not in _COMPARE:
        raise PluginError(f"Invalid operator type ({operator}). Must be one of {', '.join(map(repr, _COMPARE))}")
    if strict is not None and version_type:
        raise PluginError("Cannot specify both 'strict' and 'version_type'")
    kind = version_type or ("strict" if strict else "loose")
    if kind not in _READERS:
        raise PluginError(f"Invalid version type ({kind}). Must be one of {', '.join(map(repr, _READERS))}")
    mine, other = _READERS[kind](str(value)), _READERS[kind](str(against))
    try:
        order = 0 if mine == other else -1 if mine < other else 1
    except TypeError as e:
        raise PluginError(f"Version comparison failed: {e}") from e
    return _COMPARE[operator](order, 0)


def contains(container: Any, item: Any) -> bool:
    return item in container


def subset(a: Any, b: Any) -> bool:
    return all(item in b for item in a)


def truthy(value: Any, convert_bool: bool = False) -> bool:
    return bool(_convert(value) if convert_bool else value)


def _convert(value: Any) -> Any:
    text = str(value).strip().lower()
    if text in ("yes", "on", "1", "true", "no", "off", "0", "false"):
        return to_bool(value)
    return value


def is_uri(value: Any, schemes: Any = None) -> bool:
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return schemes is None or parts.scheme in schemes


def _path(check: Callable[[Path], bool]) -> Callable[[Any], bool]:
    def tested(path: Any) -> bool:
        return check(Path(os.fspath(path)))

    return tested


def vaulted_file(value: Any) -> bool:
    try:
        with Path(str(value)).open("rb") as file:
            return file.read(len(HEADER)) == HEADER
    except OSError as e:
        raise PluginError(f"Cannot test if the file '{value}' is a vault: [Errno {e.errno}] {e.strerror}: {str(value).encode()!r}") from e


TESTS: dict[str, Callable[..., Any]] = {
    "failed": failed,
    "failure": failed,
    "success": lambda value: not failed(value),
    "succeeded": lambda value: not failed(value),
    "successful": lambda value: not failed(value),
    "changed": changed,
    "change": changed,
    "skipped": _flag("skipped"),
    "skip": _flag("skipped"),
    "unreachable": _flag("unreachable"),
    "reachable": lambda value: not _result(value, "reachable").get("unreachable", False),
    "timedout": lambda value: bool(_result(value, "timedout").get("timedout", False)),
    "started": _job("started"),
    "finished": _job("finished"),
    "match": matches("match"),
    "search": matches("search"),
    "regex": matches("search"),
    "version": version,
    "version_compare": version,
    "subset": subset,
    "issubset": subset,
    "superset": lambda a, b: subset(b, a),
    "issuperset": lambda a, b: subset(b, a),
    "contains": contains,
    "any": lambda value: any(value),
    "all": lambda value: all(value),
    "truthy": truthy,
    "falsy": lambda value, convert_bool=False: not truthy(value, convert_bool),
    "nan": lambda value: value != value,
    "isnan": lambda value: value != value,
    "exists": _path(Path.exists),
    "file": _path(Path.is_file),
    "directory": _path(Path.is_dir),
    "link": _path(Path.is_symlink),
    "link_exists": _path(lambda path: path.is_symlink() or path.exists()),
    "mount": _path(Path.is_mount),
    "is_file": _path(Path.is_file),
    "is_dir": _path(Path.is_dir),
    "is_link": _path(Path.is_symlink),
    "abs": _path(Path.is_absolute),
    "is_abs": _path(Path.is_absolute),
    "is_mount": _path(Path.is_mount),
    "is_same_file": lambda a, b: Path(a).samefile(b),
    "same_file": lambda a, b: Path(a).samefile(b),
    "uri": is_uri,
    "url": lambda value, schemes=None: is_uri(value, schemes) and all(urlsplit(str(value))[:2]),
    "urn": lambda value: is_uri(value, ["urn"]),
    "vault_encrypted": lambda value: isinstance(value, Vaulted),
    "vaulted_file": vaulted_file,
}

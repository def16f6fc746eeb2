"""JSONPath as custom resource definitions use it: fields, indexes, slices, `*` and filters by a comparison. Pure."""

from __future__ import annotations

import json
import operator
import re
from functools import lru_cache
from typing import Any

_STEP = re.compile(
    r"""\.(?P<name>(?:[^.*\[\\]|\\.)+) | (?P<star>\.\* | \[\s*\*\s*\]) | \[\s*(?P<index>-?\d+)\s*\] | \[\s*'(?P<quoted>[^']+)'\s*\]
      | \[(?P<slice>-?\d*:-?\d*)\]
      | \[\?\(\s*@\.(?P<key>[\w.]+)\s*(?P<comparison>==|!=|<=|>=|<|>)\s*
        (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<literal>true|false|-?\d+(?:\.\d+)?))\s*\)\]""",
    re.VERBOSE,
)


_COMPARISONS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class PathError(ValueError):
    """A path that we can't read."""


@lru_cache(maxsize=1024)
def steps(path: str) -> tuple[tuple[str, str, Any], ...]:
    """(kind, argument, argument) for each step. Raises PathError."""
    found: list[tuple[str, str, Any]] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise PathError(f"{path}: can't be read from {path[at:]!r} on")
        at = match.end()
        if match["name"] is not None:
            found.append(("name", re.sub(r"\\(.)", r"\1", match["name"]), ""))
        elif match["quoted"] is not None:
            found.append(("name", match["quoted"], ""))
        elif match["star"] is not None:
            found.append(("all", "", ""))
        elif match["index"] is not None:
            found.append(("index", match["index"], ""))
        elif match["slice"] is not None:
            found.append(("slice", match["slice"], ""))
        else:
            wanted = json.loads(match["literal"]) if match["literal"] else match["double"] or match["single"] or ""
            found.append((match["comparison"], match["key"], wanted))
    return tuple(found)


def find(document: Any, path: str) -> list[Any]:
    """All values at a path; none where something on the way is missing."""
    present = [document]
    for kind, first, second in steps(path):
        following: list[Any] = []
        for value in present:
            if kind == "name" and isinstance(value, dict) and first in value:
                following.append(value[first])
            elif kind == "index" and isinstance(value, list) and -len(value) <= int(first) < len(value):
                following.append(value[int(first)])
            elif kind == "all" and isinstance(value, list | dict):
                following += value if isinstance(value, list) else value.values()
            elif kind == "slice" and isinstance(value, list):
                begin, _, end = first.partition(":")
                following += value[int(begin or 0) : int(end) if end else None]
            elif kind in _COMPARISONS and isinstance(value, list):
                following += [item for item in value if _holds(kind, _deep(item, first), second)]
        present = following
    return present


def first(document: Any, path: str) -> Any:
    """The first value at a path, or None."""
    return next(iter(find(document, path)), None)


def put(document: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a path of plain fields, making what is missing on the way."""
    *parents, last = [name for _, name, _ in steps(path)]
    for name in parents:
        document = document.setdefault(name, {})
    document[last] = value


def _holds(comparison: str, found: Any, wanted: Any) -> bool:
    """False where there is nothing to compare, or of another type."""
    alike = isinstance(found, str) == isinstance(wanted, str) and not isinstance(found, dict | list)
    return found is not None and alike and bool(_COMPARISONS[comparison](found, wanted))


def _deep(item: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        item = item.get(name) if isinstance(item, dict) else None
    return item

"""Differences of files as Ansible's users read them: unified, with `before:` and `after:` above."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from provisioner.templating.sorted_json import sorted_json

_NO_END = "\n\\ No newline at end of file\n"


def diff_text(diff: Any, context: int = 3) -> str:
    """A result's `diff`, one or several; "" where there is nothing to see. `context`: equal lines around what differs."""
    parts: list[str] = []
    for entry in diff if isinstance(diff, list) else [diff]:
        if not isinstance(entry, Mapping):
            continue
        for side, noun in (("dst", "destination"), ("src", "source")):
            if f"{side}_binary" in entry:
                parts.append(f"diff skipped: {noun} file appears to be binary\n")
            if f"{side}_larger" in entry:
                parts.append(f"diff skipped: {noun} file size is greater than {entry[f'{side}_larger']}\n")
        if "before" in entry and "after" in entry:
            parts.append(_unified(entry, context))
        if "prepared" in entry:
            parts.append(str(entry["prepared"]))
    return "".join(parts)


def _unified(entry: Mapping[str, Any], context: int) -> str:
    before, after = (f"{side}: {entry[f'{side}_header']}" if f"{side}_header" in entry else side for side in ("before", "after"))
    lines = "".join(difflib.unified_diff(_lines(entry["before"]), _lines(entry["after"]), before, after, n=context))
    return f"{lines}\n" if lines else ""


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        value = sorted_json(value, indent=4, separators=(",", ": "), default=str) + "\n"
    lines = str("" if value is None else value).splitlines(True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += _NO_END
    return lines

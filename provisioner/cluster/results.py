"""What came of a host's tasks, in words: counts, messages of failures, differences of files."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class HostStats:
    """One host's counts. `seconds` is the time its tasks took."""

    ok: int = 0
    changed: int = 0
    failed: int = 0
    skipped: int = 0
    unreachable: int = 0
    seconds: float = 0.0


def message_of(result: Mapping[str, Any]) -> str:
    """What a failed result says, with the end of what the command printed."""
    parts = [str(result.get("msg", "")).strip()]
    for item in result.get("results") or ():
        if isinstance(item, Mapping) and item.get("failed"):
            parts.append(f"{item.get('_ansible_item_label', item.get('item', ''))}: {item.get('msg', '')}")
    for key in ("module_stderr", "stderr", "stdout"):
        tail = str(result.get(key) or "").strip().splitlines()[-8:]
        parts += [line for line in tail if line not in parts[0]]
    return "\n".join(part for part in parts if part) or "failed without a message"


def differences(diff: Any) -> list[str]:
    """Unified diffs out of a result's `diff` (Ansible's shapes), bounded."""
    found = []
    for entry in diff if isinstance(diff, list) else [diff]:
        if not isinstance(entry, Mapping):
            continue
        if entry.get("prepared"):
            found.append(str(entry["prepared"]).rstrip())
        elif "before" in entry or "after" in entry:
            before, after = (_lines(entry.get(key)) for key in ("before", "after"))
            names = str(entry.get("before_header") or "before"), str(entry.get("after_header") or "after")
            found.append("\n".join(list(difflib.unified_diff(before, after, *names, lineterm="", n=1))[:80]))
    return [text for text in found if text]


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {item}" for key, item in sorted(value.items())]
    return str(value or "").splitlines()

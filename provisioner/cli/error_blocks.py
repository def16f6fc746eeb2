"""What a failed task says on its own lines before its result: what failed, where the task stands, and its lines there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.engine.actions import is_local
from provisioner.engine.events import Warned
from provisioner.inventory.documents import Location

_SHOWN_BEFORE = 2  # lines above the one that is meant
_MAX_COLUMNS = 120  # longer lines are cut
_LOOP = "The `loop` value must resolve to a 'list'"
_HINTS = {
    "Conditionals must have a boolean result.": "Compare it or ask for its length or `bool`; content for older Ansible runs with allow_broken_conditionals"
    " = true in ansible.cfg (ANSIBLE_ALLOW_BROKEN_CONDITIONALS).",
    _LOOP: "Provide a list of items/templates, or a template resolving to a list.",
}
"""What to do about it, by what is said of it."""
_ACTIONS = frozenset({"raw", "script"})
"""What no module does on the host."""
_SEALED = "$ANSIBLE_VAULT"


def error_block(action: str, result: Mapping[str, Any], location: Location | None) -> str:
    """ "" for a result that is hidden, or says nothing."""
    message = failure_message(action, result)
    hint = next((f"{hint}\n\n" for said, hint in _HINTS.items() if said in message), "")
    return f"[ERROR]: {message}\n{_place(location)}{hint}" if message else ""


def warning_block(event: Warned) -> str:
    return f"[WARNING]: {event.message}\n{_place(event.location).rstrip()}\n" if event.location else f"[WARNING]: {event.message}"


def failure_message(action: str, result: Mapping[str, Any]) -> str:
    """What failed, in one sentence that begins the same for all failures; "" as with `error_block`."""
    if "censored" in result:
        return ""
    message = str(result.get("msg") or result.get("reason") or "")
    if not message:
        return "Task failed: Action failed."
    cause = str(result.get("exception") or "")
    if cause and "\n" not in cause and cause not in message:
        message = f"{message.rstrip('.')}: {cause}"
    if result.get("unreachable"):
        message = f"Task failed: {message}"
    elif not message.startswith(("Task failed:", _LOOP)):
        message = f"Task failed: {'Action' if is_local(action) or action in _ACTIONS else 'Module'} failed: {message}"
    return message


def _place(location: Location | None) -> str:
    if location is None:
        return ""
    return "\n".join([f"Origin: {location}", "", *excerpt(location), ""])


def excerpt(location: Location | None) -> list[str]:
    """The lines of a place, a mark below them and an empty line; nothing where there is no such line to be read."""
    try:
        lines = Path(location.file).read_text(errors="replace").splitlines() if location is not None else []
    except OSError:
        return []
    if location is None or not 0 < location.line <= len(lines) or lines[0].startswith(_SEALED):
        return []
    first = max(location.line - 1 - _SHOWN_BEFORE, 0)
    width = len(str(location.line))
    shown = [
        f"{number:>{width}} {_cut(line, _MAX_COLUMNS - width - 1)}".rstrip()
        for number, line in enumerate(lines[first : location.line], first + 1)
    ]
    mark = " " * (width + location.column) + f"^ column {location.column}"
    return [*shown, mark, ""]


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: limit - 3] + "..."

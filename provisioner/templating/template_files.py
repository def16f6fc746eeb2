"""Template files: the settings that a first line `#jinja2:` holds, how a file's end is kept, and what a template knows of itself."""

from __future__ import annotations

import ast
import platform
import pwd
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.templating.errors import TemplateError
from provisioner.templating.values import HEADER

_SETTINGS = frozenset(
    {
        "block_start_string", "block_end_string", "variable_start_string", "variable_end_string", "comment_start_string", "comment_end_string",
        "line_statement_prefix", "line_comment_prefix", "trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline",
    }
)  # fmt: skip


def split_header(source: str) -> tuple[dict[str, Any], str]:
    """The settings of Jinja in a template's first line, and the template without that line. Raises TemplateError."""
    if not source.startswith(HEADER):
        return {}, source
    line, end, body = source.removeprefix(HEADER).partition("\n")
    if not end:
        raise TemplateError(f"Missing newline after {HEADER!r} override.")
    settings: dict[str, Any] = {}
    for pair in line.split(","):
        name, colon, value = (part.strip() for part in pair.partition(":"))
        if not pair.strip():
            raise TemplateError(f"Empty {HEADER!r} override pair not allowed.")
        if not colon:
            raise TemplateError(f"Missing key-value separator `:` in {HEADER!r} override pair {pair!r}.")
        if name not in _SETTINGS:
            raise TemplateError(f"Invalid {HEADER!r} override key {name!r}.")
        try:
            settings[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError) as e:
            raise TemplateError(f"{HEADER!r} override {name!r} must be a literal of Python, not {value!r}.") from e
    return settings, body


def keep_end(text: str, newlines: int, sequence: str = "\n") -> str:
    """As many line ends at the end as the template has; what Jinja drops of them comes back."""
    missing = newlines - ends(text)
    return text + sequence * missing if missing > 0 else text


def ends(text: str) -> int:
    """How many line ends a text ends with."""
    return len(text) - len(text.rstrip("\n"))


def template_variables(source: Path, name: str, dest: str | None, managed: str = "Ansible managed") -> dict[str, Any]:
    """Variables that only templates see. `managed` is the setting ansible_managed: placeholders {file}, {host}, {uid}, and those of strftime."""
    stat = source.stat()
    try:
        owner: Any = pwd.getpwuid(stat.st_uid).pw_name
    except KeyError:
        owner = stat.st_uid
    host = platform.node()
    words = managed.replace("{file}", name).replace("{host}", host).replace("{uid}", str(owner))
    return {
        "template_host": host,
        "template_path": name,
        "template_fullpath": str(source.absolute()),
        "template_mtime": datetime.fromtimestamp(stat.st_mtime, UTC).astimezone().replace(tzinfo=None),
        "template_uid": owner,
        "template_run_date": datetime.now(UTC).astimezone().replace(tzinfo=None),
        "template_destpath": dest,
        "ansible_managed": time.strftime(words, time.localtime(stat.st_mtime)) if "%" in words else words,
    }

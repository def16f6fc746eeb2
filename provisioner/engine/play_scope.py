"""What a play's own keywords are rendered with: `hosts`, `name`, `order`, `serial`, tags and the texts of `vars_prompt`.

No host is chosen yet. As in Ansible they see extra vars, the play's variables and files of them, its roles' defaults and vars, `groups`, and
`hostvars`, through which a play goes to the hosts that one before it has found; nothing of the inventory's own variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioner.engine.errors import PlaybookError
from provisioner.engine.playbook import Play
from provisioner.engine.variables import PlayContext, Variables
from provisioner.inventory.overlays import overlay
from provisioner.templating import Templar, TemplateError, UndefinedVariable, is_template
from provisioner.templating.lookups.call import find_file
from provisioner.templating.templar import Engine

_OF_THE_WHOLE = ("force_handlers", "max_fail_percentage", "order", "strategy")
Read = Callable[[Path], Mapping[str, Any]]


def play_templar(play: Play, variables: Variables, read: Read, engine: Engine, prompted: Mapping[str, Any] | None = None) -> Templar:
    """`read` gives the mapping that a file of variables holds, `prompted` is what was answered. Raises PlaybookError for such a file."""
    context = PlayContext(play, engine)
    context.prompted = dict(prompted or {})

    def templar(from_files: Mapping[str, Any]) -> Templar:
        return Templar([play.directory], variables.of_play(context, from_files), engine=engine)

    found, _ = read_vars_files(play, read, templar, deep=variables.inventory.merge_mappings)
    return templar(found)


def read_vars_files(
    play: Play, read: Read, templar: Callable[[Mapping[str, Any]], Templar], *, deep: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """(level 14, the names of files that are not there): each entry is a file, or a list of which the first that exists counts.

    `templar` renders names with what the files before have given. A name with a variable that is not known yet is passed over.
    """
    merged: dict[str, Any] = {}
    missing: list[str] = []
    for entry in play.vars_files:
        names = _known_names(entry, templar(merged))
        found = next((file for name in names if (file := find_file(name, [play.directory], "vars")) is not None), None)
        if found is not None:
            overlay(merged, read(found), deep=deep)
        elif len(names) == (len(entry) if isinstance(entry, list) else 1):
            missing.append(", ".join(names))
    return merged, missing


def _known_names(entry: Any, templar: Templar) -> list[str]:
    names = []
    for name in entry if isinstance(entry, list) else [entry]:
        try:
            names.append(templar.render_text(name))
        except UndefinedVariable:
            continue  # facts, mostly
    return names


def hosts_of(play: Play, templar: Templar) -> str | list[str]:
    """The play's pattern. Raises PlaybookError."""
    pattern = _rendered(play, "hosts", play.hosts, templar.render)
    return [str(part) for part in pattern] if isinstance(pattern, list) else str(pattern)


def name_of(play: Play, templar: Templar) -> str:
    """A play without a name goes by its pattern; that of a list is shown as written, as by Ansible. Raises PlaybookError."""
    if not is_template(play.name) or (isinstance(play.hosts, list) and play.name == ",".join(map(str, play.hosts))):
        return play.name
    return str(_rendered(play, "name", play.name, templar.render_text))


def settled(play: Play, templar: Templar) -> Play:
    """The play with those keywords rendered that hold for it as a whole. Raises PlaybookError."""
    found = {key: _rendered(play, key, value, templar.render) for key in _OF_THE_WHOLE if is_template(value := getattr(play, key))}
    fatal = play.attributes.get("any_errors_fatal")
    if is_template(fatal):
        rendered = _rendered(play, "any_errors_fatal", fatal, templar.render)
        found["attributes"] = replace(play.attributes, values={**play.attributes.values, "any_errors_fatal": rendered})
    limit = found.get("max_fail_percentage", play.max_fail_percentage)
    try:
        found["max_fail_percentage"] = None if limit in (None, "") else float(limit)
    except (TypeError, ValueError):
        raise PlaybookError(f"max_fail_percentage must be a number, not {limit!r}", play.location) from None
    return replace(play, **found)


def _rendered(play: Play, keyword: str, value: Any, render: Callable[[Any], Any]) -> Any:
    try:
        return render(value)
    except TemplateError as e:
        raise PlaybookError(f"Error processing keyword '{keyword}': {e}", play.location) from e

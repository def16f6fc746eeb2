"""The items of a task's loop and the variables each of them brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from provisioner.engine.errors import TaskError
from provisioner.engine.keyword_types import as_flag, is_name
from provisioner.engine.playbook import Task
from provisioner.engine.targets import keyword_value
from provisioner.templating import OMIT, PluginError, Templar, UndefinedVariable
from provisioner.templating.filters.data import type_debug
from provisioner.templating.lookups.call import Call
from provisioner.templating.plugins import bare_name
from provisioner.templating.templar import drop_omitted


def loop_items(task: Task, templar: Templar) -> list[Any] | None:
    """The items, None when the task has no loop. Raises TaskError or TemplateError."""
    loop = task.loop
    if loop is None:
        return None
    if loop.lookup is None:
        items = templar.render(loop.value)
        if items is OMIT:
            raise TaskError("A template was resolved to an Omit scalar.")
        if isinstance(items, range | tuple | set | map | filter):
            items = list(items)
        if not isinstance(items, list):
            raise TaskError(f"The `loop` value must resolve to a 'list', not '{type_debug(items)}'.")
        return list(drop_omitted(items))
    lookup = bare_name(loop.lookup)
    terms = _terms(loop.value, templar, lookup)
    try:
        run = templar.engine.plugins.lookup(loop.lookup)
        if run is None:
            raise TaskError(f"The lookup plugin '{loop.lookup}' was not found.")
        made = run(Call(lookup, templar, _folder(task.action)), terms, {})
        return list(drop_omitted(list(made)))
    except PluginError as e:
        raise TaskError(f"The lookup plugin '{lookup}' failed: {e}") from e


def _folder(action: str) -> str:
    """Where a task's files are looked for first, by what its action is called (Ansible's first_found)."""
    return next((f"{kind}s" for kind in ("template", "var") if kind in action), "files")


def _terms(value: Any, templar: Templar, lookup: str) -> list[Any]:
    """A loop's value as the list of terms that its lookup gets."""
    made = next(_defined(value, templar)) if lookup == "first_found" and not isinstance(value, str) else templar.render(value)
    return [term for term in (made if isinstance(made, list | tuple) else [made]) if term is not OMIT]


def _defined(value: Any, templar: Templar) -> Iterator[Any]:
    """What can be rendered of a value, part by part: names of files that need an undefined variable are not looked for."""
    if isinstance(value, list):
        yield [made for item in value for made in _defined(item, templar)]
    elif isinstance(value, Mapping):
        yield {key: made for key, item in value.items() for made in _defined(item, templar)}
    else:
        with suppress(UndefinedVariable):
            yield templar.render(value)


def item_variables(task: Task, templar: Templar, items: list[Any], index: int, item: Any) -> dict[str, Any]:
    """The loop variable first, then the index and `ansible_loop` where asked for."""
    control = task.loop_control
    name = _name("loop_var", control.loop_var, templar)
    local: dict[str, Any] = {name: item, "ansible_loop_var": name}
    if control.index_var:
        index_name = _name("index_var", control.index_var, templar)
        local[index_name] = index
        local["ansible_index_var"] = index_name
    if _flag("extended", control.extended, templar):
        local["ansible_loop"] = _extended(items, index, _flag("extended_allitems", control.extended_allitems, templar))
    return local


def _name(keyword: str, written: Any, templar: Templar) -> str:
    name = str(keyword_value(keyword, written, templar))
    if not is_name(name):
        raise TaskError(f"Invalid variable name {name!r}.")
    return name


def _flag(keyword: str, written: Any, templar: Templar) -> bool:
    return as_flag(keyword, keyword_value(keyword, written, templar))


def _extended(items: list[Any], index: int, all_items: bool) -> Mapping[str, Any]:
    length = len(items)
    made: dict[str, Any] = {
        "index": index + 1,
        "index0": index,
        "revindex": length - index,
        "revindex0": length - index - 1,
        "first": index == 0,
        "last": index + 1 == length,
        "length": length,
    }
    if all_items:
        made["allitems"] = items
    if index:
        made["previtem"] = items[index - 1]
    if index + 1 < length:
        made["nextitem"] = items[index + 1]
    return made

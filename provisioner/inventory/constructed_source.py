"""Inventory files with `plugin: constructed` or `plugin: generator`: variables and groups made of what other sources have said.

Constructed goes over the hosts known so far: `compose` sets variables, `groups` puts hosts whose condition holds into a group, `keyed_groups`
into groups named for a value. Generator makes a host of each combination of its `layers`. Named as ansible-core's plug-ins have it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.inventory.documents import LocatedDict
from provisioner.inventory.errors import InventoryError
from provisioner.inventory.model import Host, Inventory
from provisioner.inventory.variable_files import VariableFiles
from provisioner.templating.errors import TemplateError
from provisioner.templating.filters.text import to_bool
from provisioner.templating.templar import Templar
from provisioner.templating.values import Unsafe

CONSTRUCTED = frozenset({"constructed", "ansible.builtin.constructed"})
GENERATOR = frozenset({"generator", "ansible.builtin.generator"})
_OPTIONS = frozenset(
    {"plugin", "strict", "compose", "groups", "keyed_groups", "leading_separator", "use_vars_plugins", "use_extra_vars", "cache"}
)
_UNSAFE_IN_NAMES = re.compile(r"^[^a-zA-Z_]|[^a-zA-Z0-9_]")
_EMPTY = (None, "")


class ConstructedSource:
    """One file, applied to an inventory. Raises InventoryError for what is wrong in it, and with `strict` for what cannot be evaluated."""

    def __init__(self, inventory: Inventory, document: LocatedDict, files: Sequence[VariableFiles]) -> None:
        self._inventory = inventory
        self._document = document
        self._files = files if to_bool(document.get("use_vars_plugins", False)) else ()
        self._strict = bool(to_bool(document.get("strict", False)))
        unknown = sorted(str(key) for key in document if key not in _OPTIONS)
        if unknown:
            raise self._wrong(unknown[0], f"constructed has no option '{unknown[0]}'")
        for key, kind, words in (("compose", dict, "a mapping"), ("groups", dict, "a mapping"), ("keyed_groups", list, "a list")):
            if not isinstance(document.get(key) or kind(), kind):
                raise self._wrong(key, f"{key} must be {words}")

    def add(self) -> None:
        for host in list(self._inventory.hosts.values()):
            self.apply(host)

    def apply(self, host: Host, given: Templar | None = None) -> None:
        """One host; `given` has its variables where they are not those of the inventory."""
        templar = given or self._templar(host)
        for name, expression in (self._document.get("compose") or {}).items():
            made = self._evaluated(templar, expression, "compose", f"Could not set {name} for host {host.name}")
            if made is not None:
                host.own_vars[name] = _final(made[0])
        self._inventory.changed()
        templar = given or self._templar(host)
        for name, condition in (self._document.get("groups") or {}).items():
            try:
                if templar.condition(condition):
                    self._join(host, _safe(str(name)))
            except TemplateError as e:
                if self._strict:
                    raise self._wrong("groups", f"Could not add host {host.name} to group {name}: {e}") from e
        for entry in self._document.get("keyed_groups") or []:
            self._keyed(host, templar, entry)

    def _templar(self, host: Host) -> Templar:
        inventory = self._inventory
        groups = sorted(inventory.groups_of(host.name), key=lambda name: (inventory.depth(name), inventory.groups[name].priority, name))
        merged: dict[str, Any] = dict(inventory.groups["all"].own_vars)
        levels = [inventory.groups[name].own_vars for name in groups]
        levels += [source.group("all") for source in self._files]
        levels += [source.group(name) for name in groups for source in self._files]
        levels += [host.own_vars, *(source.host(host.name) for source in self._files)]
        for level in levels:
            merged.update(level)
        short = host.name.split(".")[0]
        merged.update(inventory_hostname=host.name, inventory_hostname_short=short, group_names=groups)
        if to_bool(self._document.get("use_extra_vars", False)):
            merged.update(inventory.extra_vars)
        return Templar(variables=merged)

    def _evaluated(self, templar: Templar, expression: Any, key: str, failure: str) -> tuple[Any] | None:
        """The value of an expression; None where it has none and that is no mistake."""
        try:
            return (templar.evaluate(str(expression)) if isinstance(expression, str) else expression,)
        except TemplateError as e:
            if self._strict:
                raise self._wrong(key, f"{failure}: {e}") from e
            return None

    def _keyed(self, host: Host, templar: Templar, entry: Any) -> None:
        if not isinstance(entry, dict) or not entry:
            raise self._wrong("keyed_groups", f"Invalid keyed group entry, it must be a dictionary: {entry!r}")
        default, trailing = entry.get("default_value"), entry.get("trailing_separator")
        if default is not None and trailing is not None:
            raise self._wrong("keyed_groups", "parameters are mutually exclusive for keyed groups: default_value|trailing_separator")
        text = f"Could not generate group for host {host.name} from {entry.get('key')} entry"
        found = self._evaluated(templar, entry.get("key"), "keyed_groups", text)
        if found is None:
            return
        key, separator, prefix = found[0], str(entry.get("separator", "_")), str(entry.get("prefix", ""))
        if not key and not (key in _EMPTY and default is not None):
            if self._strict and key not in ([], {}):
                raise self._wrong("keyed_groups", f"No key or key resulted empty for {entry.get('key')} in host {host.name}, invalid entry")
            return
        if not isinstance(key, str | list | Mapping) and key is not None:
            raise self._wrong(
                "keyed_groups", f"Invalid group name format, expected a string or a list of them or dictionary, got: {type(key)}"
            )
        parent = entry.get("parent_group")
        try:
            parent = None if parent is None else templar.render_text(parent)
        except TemplateError as e:
            if self._strict:
                raise self._wrong("keyed_groups", f"Could not generate parent group {parent!r} for group {key!r}: {e}") from e
            return
        front = prefix + separator if prefix or to_bool(self._document.get("leading_separator", True)) else ""
        for bare in _names(key, separator, default, trailing):
            name = _safe(f"{front}{bare}")
            self._join(host, name)
            if parent:
                self._inventory.add_group(name, _safe(parent))

    def _join(self, host: Host, group: str) -> None:
        self._inventory.add_host(host.name, [group])

    def _wrong(self, key: str, message: str) -> InventoryError:
        return InventoryError([self._document.at(key).problem(message)])


def _names(key: Any, separator: str, default: Any, trailing: Any) -> Iterator[Any]:
    """The groups that one value names."""
    if isinstance(key, Mapping):
        for name, value in key.items():
            if value not in _EMPTY:
                yield f"{name}{separator}{value}"
            elif default is not None:
                yield f"{name}{separator}{default}"
            else:
                yield name if trailing is False else f"{name}{separator}{value}"
    elif key in _EMPTY:
        yield default
    else:
        yield from (default if name in _EMPTY and default is not None else name for name in (key if isinstance(key, list) else [key]))


def _final(value: Any) -> Any:
    """What is made of variables is no template any more."""
    if isinstance(value, str):
        return Unsafe(value)
    if isinstance(value, dict):
        return {key: _final(item) for key, item in value.items()}
    return [_final(item) for item in value] if isinstance(value, list) else value


def _safe(name: str) -> str:
    return _UNSAFE_IN_NAMES.sub("_", name)


def generate(inventory: Inventory, document: LocatedDict) -> None:
    """The hosts of a generator file, in the groups that it names. Raises InventoryError."""
    layers, hosts = document.get("layers"), document.get("hosts")
    if not isinstance(layers, dict) or not all(isinstance(values, list) for values in layers.values()):
        raise InventoryError([document.at("layers").problem("generator needs layers, a mapping of names to lists")])
    if not isinstance(hosts, dict) or not isinstance(hosts.get("name"), str):
        raise InventoryError([document.at("hosts").problem("generator needs hosts with the name that each of them gets")])
    for values in itertools.product(*layers.values()):
        variables = dict(zip(layers, values, strict=True))
        try:
            name = Templar(variables=variables).render_text(hosts["name"])
            inventory.add_host(name)
            _parents(inventory, name, hosts.get("parents") or [], variables, is_host=True)
        except (TemplateError, ValueError) as e:
            raise InventoryError([document.at("hosts").problem(str(e))]) from e


def _parents(inventory: Inventory, child: str, parents: Any, variables: Mapping[str, Any], *, is_host: bool = False) -> None:
    templar = Templar(variables=variables)
    for parent in parents:
        name = templar.render_text(parent.get("name") or "")
        if not name:
            raise ValueError(f"Element {child} has a parent with no name.")
        group = inventory.add_group(name)
        for key, value in (parent.get("vars") or {}).items():
            group.own_vars[key] = templar.render(value) if isinstance(value, str) else value
        if is_host:
            inventory.add_host(child, [name])
        else:
            inventory.add_group(child, name)
        _parents(inventory, name, parent.get("parents") or [], variables)


def variable_files(sources: Sequence[Path], secrets: Any) -> list[VariableFiles]:
    """What lies in group_vars and host_vars beside the sources read so far."""
    folders = dict.fromkeys(path if path.is_dir() else path.absolute().parent for path in sources)
    return [VariableFiles(folder, secrets) for folder in folders]

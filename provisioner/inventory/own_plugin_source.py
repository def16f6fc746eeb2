"""Inventory plugins of people's own and of collections (BaseInventoryPlugin): what they add goes into our inventory.

Whoever loads an inventory says where such plugins are found (`InventoryPlugins`). What a plugin learns elsewhere is no template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from provisioner.inventory.constructed_source import ConstructedSource
from provisioner.inventory.documents import LocatedDict, Location
from provisioner.inventory.errors import InventoryError, Problem
from provisioner.inventory.model import Group, Host, Inventory
from provisioner.inventory.ranges import expand
from provisioner.templating import Templar
from provisioner.templating.plugin_tools import Loader, PluginTemplar
from provisioner.templating.values import final


class InventoryPlugins(Protocol):
    """Where plugins are found."""

    @property
    def enabled(self) -> Sequence[str]:
        """Those that are asked about every file whether it is theirs (`enable_plugins` of ansible.cfg)."""

    def find(self, name: str) -> Any | None:
        """A new plugin of that name; None where there is none. Raises whatever loading it raises."""


def claims(plugins: InventoryPlugins, path: Path) -> Any | None:
    """The enabled plugin that says a file is its own."""
    for name in plugins.enabled:
        plugin = _found(plugins, name, Problem(str(path), 0, 0, ""))
        if plugin is not None and plugin.verify_file(str(path)):
            return plugin
    return None


def of_name(plugins: InventoryPlugins, document: LocatedDict, path: Path) -> Any | None:
    """The plugin that a file names. Raises InventoryError."""
    place = document.value_at("plugin")
    name = str(document["plugin"])
    plugin = _found(plugins, name, place.problem(""))
    if plugin is not None and not plugin.verify_file(str(path)):
        raise InventoryError(
            [
                place.problem(
                    f"inventory source '{path}' could not be verified by inventory plugin '{name}'",
                    "its name must end as the plugin's documentation says",
                )
            ]
        )
    return plugin


def _found(plugins: InventoryPlugins, name: str, place: Problem) -> Any | None:
    try:
        return plugins.find(name)
    except Exception as e:  # somebody's own code may raise anything
        message = f"the inventory plugin '{name}' cannot be loaded: {type(e).__name__}: {e}"
        raise InventoryError([Problem(place.file, place.line, place.column, message)]) from e


def run(inventory: Inventory, plugin: Any, path: Path) -> None:
    """Has the plugin parse one file. Raises InventoryError."""
    templar = Templar(variables=dict(inventory.extra_vars))
    loader = Loader(str(path.absolute().parent), templar)
    plugin.templar = PluginTemplar(templar, loader)
    data = InventoryData(inventory, str(path))
    try:
        plugin.parse(data, loader, str(path), cache=False)
    except InventoryError:
        raise
    except Exception as e:  # somebody's own code may raise anything
        message = f"Failed to parse inventory with '{plugin.ansible_name}' plugin: {e or type(e).__name__}"
        raise InventoryError([Problem(str(path), 0, 0, message)]) from e


class InventoryData:
    """Our inventory as a plugin sees it: it adds groups, hosts and variables by name."""

    def __init__(self, inventory: Inventory, source: str) -> None:
        self._inventory = inventory
        self.current_source = source
        self.processed_sources = [source]

    @property
    def hosts(self) -> dict[str, Any]:
        return {name: _Entity(self._inventory, host) for name, host in self._inventory.hosts.items()}

    @property
    def groups(self) -> dict[str, Any]:
        return {name: _Entity(self._inventory, group) for name, group in self._inventory.groups.items()}

    @property
    def localhost(self) -> Any:
        return self.get_host("localhost")

    def get_host(self, hostname: str) -> Any:
        found = self._inventory.host(hostname)
        return None if found is None else _Entity(self._inventory, found)

    def get_groups_dict(self) -> dict[str, list[str]]:
        return self._inventory.group_names()

    def add_group(self, group: Any) -> str:
        """Its name as it is known from now on. Raises ValueError for what is no name."""
        if not isinstance(group, str) or not group:
            raise ValueError(f"Invalid group name supplied, expected a string but got {type(group)} for {group!r}")
        return self._inventory.add_group(str(group)).name

    def add_host(self, host: Any, group: str | None = None, port: Any = None) -> str:
        if not isinstance(host, str) or not host:
            raise ValueError(f"Invalid host name supplied, expected a string but got {type(host)} for {host!r}")
        if group is not None and group not in self._inventory.groups:
            raise ValueError(f"Could not find group {group} in inventory")
        known = {} if port is None else {"ansible_port": port}
        return self._inventory.add_host(str(host), [group] if group else [], known).name

    def add_child(self, group: str, child: str) -> bool:
        """A host or a group into a group. Raises ValueError for names that nobody has."""
        if group not in self._inventory.groups:
            raise ValueError(f"{group} is not a known group")
        if child in self._inventory.groups:
            self._inventory.add_group(child, group)
        elif child in self._inventory.hosts:
            self._inventory.add_host(child, [group])
        else:
            raise ValueError(f"{child} is not a known host nor group")
        return True

    def set_variable(self, entity: str, varname: str, value: Any) -> None:
        found = self._inventory.groups.get(entity) or self._inventory.hosts.get(entity)
        if found is None:
            raise ValueError(f"Could not identify group or host named {entity}")
        found.own_vars[str(varname)] = final(value)
        self._inventory.changed()

    def remove_group(self, group: Any) -> None:
        name = str(group)
        if self._inventory.groups.pop(name, None) is not None:
            for other in self._inventory.groups.values():
                other.children.pop(name, None)
                other.parents.pop(name, None)
            self._inventory.changed()

    def remove_host(self, host: Any) -> None:
        name = str(host)
        if self._inventory.hosts.pop(name, None) is not None:
            for group in self._inventory.groups.values():
                group.host_names.pop(name, None)
            self._inventory.changed()

    def reconcile_inventory(self) -> None:
        self._inventory.finish()

    # What Constructable does

    def construct(self, host: str, variables: Mapping[str, Any] | None, options: Mapping[str, Any]) -> None:
        """`compose`, `groups`, `keyed_groups` of one host. Raises InventoryError where `strict` says so."""
        document = LocatedDict({"plugin": "constructed", **options})
        document.location = Location(self.current_source, 1, 1)
        document.key_locations, document.value_locations, document.duplicates = {}, {}, []
        found = self._inventory.hosts[host]
        source = ConstructedSource(self._inventory, document, ())
        source.apply(found, None if variables is None else Templar(variables={**variables, **self._inventory.extra_vars}))

    def expand(self, pattern: str) -> list[str]:
        return list(expand(pattern))


class _Entity:
    """A host or a group."""

    def __init__(self, inventory: Inventory, found: Host | Group) -> None:
        self._inventory = inventory
        self._found = found
        self.name = self.address = found.name
        self.vars = found.own_vars

    def get_name(self) -> str:
        return self.name

    def get_vars(self) -> dict[str, Any]:
        return dict(self._inventory.variables(self._found)) if isinstance(self._found, Host) else dict(self.vars)

    def set_variable(self, key: str, value: Any) -> None:
        self._found.own_vars[key] = final(value)
        self._inventory.changed()

    def get_groups(self) -> list[_Entity]:
        return [_Entity(self._inventory, self._inventory.groups[name]) for name in self._inventory.groups_of(self.name)]

    groups = property(get_groups)

    def get_hosts(self) -> list[_Entity]:
        return [_Entity(self._inventory, host) for host in self._inventory.hosts_of(self.name)]

    hosts = property(get_hosts)

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

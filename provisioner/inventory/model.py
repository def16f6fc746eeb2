"""Hosts, groups and how their variables combine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.inventory import patterns
from provisioner.inventory.errors import Problem
from provisioner.inventory.overlays import overlay
from provisioner.inventory.variable_files import VariableFiles

if TYPE_CHECKING:
    from provisioner.inventory.cluster_spec import ClusterSpec
    from provisioner.inventory.documents import Location
    from provisioner.inventory.machines_spec import MachinesSpec
    from provisioner.transport.settings import ConnectionSettings


class Group:
    """A named set of hosts and child groups, with the variables written at it in inventory sources; `place` is where it was first written."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.place: Location | None = None
        self.own_vars: dict[str, Any] = {}
        self.host_names: dict[str, None] = {}
        self.children: dict[str, None] = {}
        self.parents: dict[str, None] = {}

    @property
    def priority(self) -> int:
        """`ansible_group_priority`: among groups of one depth the larger number wins."""
        value = self.own_vars.get("ansible_group_priority", 1)
        return int(value) if isinstance(value, int | str) and str(value).lstrip("-").isdigit() else 1

    def __repr__(self) -> str:
        return f"Group({self.name!r})"


class Host:
    """One machine; `own_vars` are those written at it, `vars` everything that holds for it."""

    def __init__(self, name: str, inventory: Inventory, *, implicit: bool = False) -> None:
        self.name = name
        self.place: Location | None = None
        self.own_vars: dict[str, Any] = {}
        self.implicit = implicit
        self._inventory = inventory

    @property
    def vars(self) -> Mapping[str, Any]:
        """Inventory variables merged by precedence, untemplated; a fresh mapping only after the inventory changed."""
        return self._inventory.variables(self)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of all groups that hold the host, directly or through children, without `all`; sorted."""
        return self._inventory.groups_of(self.name)

    @property
    def connection(self) -> ConnectionSettings:
        """How to reach the host, from its untemplated variables."""
        from provisioner.transport.settings import ConnectionSettings

        return ConnectionSettings.from_vars(self.name, {**self.vars, "inventory_hostname": self.name})

    def __repr__(self) -> str:
        return f"Host({self.name!r})"


# What a variable's name cannot have, nor begin with.
_ODD_IN_NAMES = re.compile(r"^\d|[^\w]", re.ASCII)


class Inventory:
    """All hosts and groups; the engine may add hosts and groups while a run goes on."""

    def __init__(self, *, extra_vars: Mapping[str, Any] | None = None) -> None:
        self.hosts: dict[str, Host] = {}
        self.groups: dict[str, Group] = {"all": Group("all"), "ungrouped": Group("ungrouped")}
        self.groups["all"].children["ungrouped"] = None
        self.groups["ungrouped"].parents["all"] = None
        self.extra_vars: dict[str, Any] = dict(extra_vars or {})
        self.cluster: ClusterSpec | None = None
        self.machines: MachinesSpec | None = None
        self.merge_mappings = False
        """Whether mappings of one name at several levels are merged (`hash_behaviour = merge`)."""
        self.valid_group_names = False
        """Whether groups are called by what could be a variable's name, with _ for the rest (`force_valid_group_names`)."""
        self.odd_group_names: set[str] = set()
        """Names of groups, as they were written, that no variable could have."""
        self.sources: tuple[Path, ...] = ()
        self.warnings: tuple[Problem, ...] = ()
        self.missing: list[str] = []
        """Sources that are not there, where that is no mistake."""
        self.files: tuple[VariableFiles, ...] = ()
        self.playbook_files: tuple[VariableFiles, ...] = ()
        self._localhost: Host | None = None
        self._vars_cache: dict[str, dict[str, Any]] = {}
        self._groups_cache: dict[str, tuple[str, ...]] = {}
        self._depths: dict[str, int] | None = None

    # Building

    def changed(self) -> None:
        """Forget what was computed; called by everything that adds hosts, groups or variables."""
        self._vars_cache.clear()
        self._groups_cache.clear()
        self._depths = None

    def add_group(self, name: str, parent: str | None = None) -> Group:
        name = self.group_name(name)
        parent = None if parent is None else self.group_name(parent)
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(name)
            self.changed()
        if parent is not None and parent != name and parent not in group.parents:
            group.parents[parent] = None
            self.add_group(parent).children[name] = None
            self.changed()
        return group

    def group_name(self, written: str) -> str:
        """What a group of this name is known as."""
        if _ODD_IN_NAMES.search(written) is None:
            return written
        self.odd_group_names.add(written)
        return _ODD_IN_NAMES.sub("_", written) if self.valid_group_names else written

    def add_host(self, name: str, groups: Sequence[str] = (), variables: Mapping[str, Any] | None = None) -> Host:
        """The host of that name, made when new, and put into the groups."""
        host = self.hosts.get(name)
        if host is None:
            host = self.hosts[name] = Host(name, self)
        host.own_vars.update(variables or {})
        for group in groups:
            self.add_group(group).host_names[name] = None
        self.changed()
        return host

    def implicit_localhost(self, name: str = "localhost") -> Host:
        """The controller itself, when no source names it: connection local, not part of `all`."""
        if self._localhost is None or self._localhost.name != name:
            self._localhost = Host(name, self, implicit=True)
            self._localhost.own_vars["ansible_connection"] = "local"
        return self._localhost

    def finish(self) -> None:
        """Put groups without parent under `all` and hosts without group into `ungrouped`."""
        for group in self.groups.values():
            if group.name != "all" and not group.parents:
                group.parents["all"] = None
                self.groups["all"].children[group.name] = None
        grouped = {name for group in self.groups.values() if group.name not in ("all", "ungrouped") for name in group.host_names}
        ungrouped = self.groups["ungrouped"]
        for name in self.hosts:
            if name not in grouped:
                ungrouped.host_names[name] = None
            else:
                ungrouped.host_names.pop(name, None)
        self.changed()

    def cycle(self) -> list[str]:
        """Names of groups that contain themselves through children, in order; empty when all is well."""

        def visit(name: str, path: list[str]) -> list[str]:
            if name in path:
                return [*path[path.index(name) :], name]
            for child in self.groups[name].children:
                found = visit(child, [*path, name])
                if found:
                    return found
            return []

        for name in self.groups:
            found = visit(name, [])
            if found:
                return found
        return []

    # Asking

    def match(self, pattern: str | Sequence[str], limit: str | Sequence[str] | None = None) -> list[Host]:
        """Hosts of a pattern in inventory order, narrowed by a second pattern. Raises PatternError."""
        hosts = patterns.evaluate(pattern, self)
        if limit:
            kept = {host.name for host in patterns.evaluate(limit, self)}
            hosts = [host for host in hosts if host.name in kept]
        return hosts

    def host(self, name: str) -> Host | None:
        found = self.hosts.get(name)
        if found is None and name in ("localhost", "127.0.0.1", "::1"):
            return self.implicit_localhost(name)
        return found

    def hosts_of(self, group: str) -> list[Host]:
        """Hosts of a group, then those of its children, level by level, as Ansible orders them."""
        seen = {group: None}
        level = [group]
        names: dict[str, None] = {}
        while level:
            for name in level:
                names.update(self.groups[name].host_names)
            level = list(dict.fromkeys(child for name in level for child in self.groups[name].children if child not in seen))
            seen.update(dict.fromkeys(level))
        found = [self.hosts[name] for name in names if name in self.hosts]
        if group == "all" and len(found) < len(self.hosts):
            found.extend(host for host in self.hosts.values() if host.name not in names)
        return found

    def groups_of(self, host: str) -> tuple[str, ...]:
        found = self._groups_cache.get(host)
        if found is None:
            names: set[str] = set()
            todo = [group.name for group in self.groups.values() if host in group.host_names]
            while todo:
                name = todo.pop()
                if name not in names:
                    names.add(name)
                    todo.extend(self.groups[name].parents)
            names.discard("all")
            found = self._groups_cache[host] = tuple(sorted(names))
        return found

    def depth(self, group: str) -> int:
        """Longest way from `all`; deeper groups win over their ancestors."""
        if self._depths is None:
            self._depths = {}
        if group not in self._depths:
            self._depths[group] = 0
            self._depths[group] = max((self.depth(parent) + 1 for parent in self.groups[group].parents), default=0)
        return self._depths[group]

    def variables(self, host: Host) -> dict[str, Any]:
        """A host's variables: source `all`, source groups, files for `all`, files for groups, then the host's own and its files."""
        found = self._vars_cache.get(host.name)
        if found is not None:
            return found
        groups = sorted(self.groups_of(host.name), key=lambda n: (self.depth(n), self.groups[n].priority, n))
        files = (self.files, self.playbook_files)
        for source in (*self.files, *self.playbook_files) if self.merge_mappings else ():
            source.deep = True
        merged: dict[str, Any] = dict(self.groups["all"].own_vars)
        levels = [self.groups[group].own_vars for group in groups]
        levels += [source.group("all") for side in files for source in side]
        levels += [source.group(group) for side in files for group in groups for source in side]
        levels += [host.own_vars, *(source.host(host.name) for side in files for source in side)]
        for level in levels:
            overlay(merged, level, deep=self.merge_mappings)
        merged.pop("ansible_group_priority", None)
        self._vars_cache[host.name] = merged
        return merged

    def all_variables(self) -> dict[str, Any]:
        """Variables that hold for every host, extra variables on top."""
        merged = dict(self.groups["all"].own_vars)
        for source in self.files:
            merged.update(source.group("all"))
        merged.update(self.extra_vars)
        return merged

    def group_names(self) -> dict[str, list[str]]:
        """The `groups` variable: group name to host names in inventory order."""
        return {name: [host.name for host in self.hosts_of(name)] for name in self.groups}

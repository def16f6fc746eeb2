"""The inventory as ansible-inventory shows it: for programs (JSON, YAML, TOML documents) and as a tree.

Plain, every host has all variables that hold for it. For export, hosts and groups have those written at them, so that what is printed is an
inventory again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.inventory.model import Group, Host, Inventory
from provisioner.inventory.overlays import overlay
from provisioner.inventory.variable_files import VariableFiles
from provisioner.templating.values import Sealed, Vaulted

# What belongs to Ansible's own machinery.
_INTERNAL = ("ansible_group_priority",)


@dataclass(frozen=True)
class Listing:
    """One inventory, shown in one of two ways; `limit` is a pattern of the hosts that count."""

    inventory: Inventory
    export: bool = False
    limit: str | None = None

    def host_variables(self, host: Host) -> dict[str, Any]:
        inventory = self.inventory
        if not self.export:
            return {**host.vars, **inventory.extra_vars}
        return self._with_files(dict(host.own_vars), lambda source: source.host(host.name))

    def group_variables(self, group: Group) -> dict[str, Any]:
        found = {key: value for key, value in group.own_vars.items() if key not in _INTERNAL}
        self._with_files(found, lambda source: source.group(group.name))
        if group.priority != 1:
            found["ansible_group_priority"] = group.priority
        return found

    def _with_files(self, found: dict[str, Any], read: Callable[[VariableFiles], dict[str, Any]]) -> dict[str, Any]:
        for source in (*self.inventory.files, *self.inventory.playbook_files):
            overlay(found, read(source), deep=self.inventory.merge_mappings)
        return found

    def _hosts(self) -> list[Host]:
        return self.inventory.match("all", self.limit)

    def for_programs(self) -> dict[str, Any]:
        """The JSON of `--list`, which is also what an executable inventory prints."""
        hosts = self._hosts()
        found: dict[str, Any] = {}
        self._add_group("all", {host.name for host in hosts}, found, set())
        variables = {host.name: self.host_variables(host) for host in hosts}
        found["_meta"] = {"hostvars": {name: own for name, own in variables.items() if own}, "profile": "inventory_legacy"}
        return found

    def _add_group(self, name: str, hosts: set[str], found: dict[str, Any], seen: set[str]) -> None:
        group = self.inventory.groups[name]
        entry: dict[str, Any] = {"children": list(group.children)}
        if name != "all":
            entry["hosts"] = [host for host in group.host_names if host in hosts]
        for child in group.children:
            if child not in seen:
                self._add_group(child, hosts, found, seen)
                seen.add(child)
        if self.export:
            entry["vars"] = self.group_variables(group)
        kept = {key: value for key, value in entry.items() if value}
        if kept:
            found[name] = kept

    def nested(self) -> dict[str, Any]:
        """The YAML inventory: groups inside groups, a host's variables where it is met first."""
        return self._nested("all", {host.name for host in self._hosts()}, set(), set())

    def _nested(self, name: str, hosts: set[str], seen_hosts: set[str], seen: set[str]) -> dict[str, Any]:
        group = self.inventory.groups[name]
        children: dict[str, Any] = {}
        for child in group.children:
            if child in seen:
                children[child] = {}
            else:
                children.update(self._nested(child, hosts, seen_hosts, seen))
                seen.add(child)
        entry: dict[str, Any] = {"children": children, "hosts": self._own_hosts(group, hosts, seen_hosts)}
        if self.export:
            entry["vars"] = self.group_variables(group)
        kept = {key: value for key, value in entry.items() if value}
        return {name: kept} if kept else {}

    def _own_hosts(self, group: Group, hosts: set[str], seen: set[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in group.host_names if group.name != "all" else ():
            if name in hosts:
                found[name] = {} if name in seen else self.host_variables(self.inventory.hosts[name])
                seen.add(name)
        return found

    def flat(self) -> dict[str, Any]:
        """The TOML inventory: all groups side by side."""
        found: dict[str, Any] = {}
        self._flat("all", {host.name for host in self._hosts()}, found, set())
        return found

    def _flat(self, name: str, hosts: set[str], found: dict[str, Any], seen: set[str]) -> None:
        group = self.inventory.groups[name]
        children = [child for child in group.children if child != "ungrouped" or self.inventory.groups[child].host_names]
        entry: dict[str, Any] = {"children": children if name != "all" else []}
        found[name] = {}  # its place is before its children's
        for child in children:
            self._flat(child, hosts, found, seen)
        entry["hosts"] = self._own_hosts(group, hosts, seen)
        if self.export:
            entry["vars"] = self.group_variables(group)
        found[name] = {key: value for key, value in entry.items() if value}
        if not found[name]:
            del found[name]

    def tree(self, name: str = "all", *, variables: bool = False, depth: int = 0) -> list[str]:
        """The lines of `--graph`."""
        group = self.inventory.groups[name]
        lines = [_branch(f"@{name}:", depth)]
        for child in group.children:
            lines += self.tree(child, variables=variables, depth=depth + 1)
        for host in group.host_names if name != "all" else ():
            lines.append(_branch(host, depth + 1))
            if variables:
                lines += _branches(self.host_variables(self.inventory.hosts[host]), depth + 2)
        if variables:
            lines += _branches(self.group_variables(group), depth + 1)
        return lines


def _branch(text: str, depth: int) -> str:
    return "  |" * depth + f"--{text}" if depth else text


def _branches(variables: Mapping[str, Any], depth: int) -> list[str]:
    return [_branch(f"{{{name} = {value}}}", depth) for name, value in sorted(variables.items())]


def marked(value: Any) -> Any:
    """A value for JSON: what is encrypted where it was written stays so."""
    if isinstance(value, Mapping):
        return {str(key): marked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [marked(item) for item in value]
    if isinstance(value, Vaulted | Sealed):
        return {"__ansible_vault": value.envelope}
    return value

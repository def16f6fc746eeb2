"""The YAML inventory format: groups with `hosts`, `children` and `vars`, from `all` or any other top group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.inventory.documents import LocatedDict, Location
from provisioner.inventory.errors import Problem
from provisioner.inventory.model import Inventory
from provisioner.inventory.ranges import expand
from provisioner.inventory.spec_fields import nearest

_KEYS = ("hosts", "children", "vars")


class YamlSource:
    """Adds one parsed YAML file to an inventory; what is wrong goes to `problems`."""

    def __init__(self, inventory: Inventory, file: str) -> None:
        self.inventory = inventory
        self.file = file
        self.problems: list[Problem] = []

    def add(self, value: Any) -> None:
        if not isinstance(value, LocatedDict):
            self.problems.append(
                Problem(self.file, 1, 1, "an inventory must be a mapping of groups", "begin with 'all:' and its 'hosts:' or 'children:'")
            )
            return
        for name, body in value.items():
            self._group(str(name), body, None, value.at(name))

    def _group(self, name: str, body: Any, parent: str | None, place: Location) -> None:
        if name == "hosts" and parent is None:
            self.problems.append(place.problem("'hosts' stands at the top, where groups are", "put it under 'all:'"))
            return
        if parent is not None and name == parent:
            self.problems.append(place.problem(f"group {name!r} is its own child"))
            return
        group = self.inventory.add_group(name, parent)
        name = group.name
        group.place = group.place or place
        if body is None:
            return
        if not isinstance(body, LocatedDict):
            self.problems.append(place.problem(f"group {name!r} must hold hosts, children or vars, not {type(body).__name__}"))
            return
        for key, section in body.items():
            if key not in _KEYS:
                self.problems.append(body.at(key).problem(f"group {name!r}: unknown key {key!r}", nearest(str(key), _KEYS)))
            elif section is None:
                continue
            elif isinstance(section, str) and key in ("hosts", "children"):
                if key == "children":
                    self.inventory.add_group(section, name)
                else:
                    self._host(name, section, None, body.value_at(key))
            elif not isinstance(section, LocatedDict):
                self.problems.append(
                    body.value_at(key).problem(f"group {name!r}: {key} must be a mapping", "write each name followed by a colon")
                )
            elif key == "vars":
                group.own_vars.update(section)
            elif key == "children":
                for child, child_body in section.items():
                    self._group(str(child), child_body, name, section.at(child))
            else:
                for host, variables in section.items():
                    self._host(name, str(host), variables, section.at(host))

    def _host(self, group: str, pattern: str, variables: Any, place: Location) -> None:
        if variables is not None and not isinstance(variables, Mapping):
            self.problems.append(place.problem(f"host {pattern!r}: its variables must be a mapping, not {type(variables).__name__}"))
            return
        try:
            for name in expand(pattern):
                host = self.inventory.add_host(name, [group], variables)
                host.place = host.place or place
        except ValueError as e:
            self.problems.append(place.problem(str(e)))

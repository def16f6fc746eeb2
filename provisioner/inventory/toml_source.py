"""The TOML inventory format (ansible.builtin.toml): a table for each group, with `hosts`, `vars` and a list of `children`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from provisioner.inventory.errors import Problem
from provisioner.inventory.model import Inventory
from provisioner.inventory.ranges import expand

_KINDS = {"vars": Mapping, "hosts": Mapping, "children": list}


class TomlSource:
    """Adds one file to an inventory; what is wrong goes to `problems`."""

    def __init__(self, inventory: Inventory, file: str) -> None:
        self.inventory = inventory
        self.file = file
        self.problems: list[Problem] = []

    def add(self, text: str) -> None:
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as e:
            self._wrong(f"is no TOML: {e}")
            return
        if "plugin" in document:
            self._wrong("a file that names a plugin must be YAML", "write it as plugin: … in a file that ends in .yml")
            return
        for name, body in document.items():
            self._group(name, body)

    def _group(self, name: str, body: Any) -> None:
        if not isinstance(body, Mapping):
            self._wrong(f"group {name!r} must be a table, not {type(body).__name__}")
            return
        group = self.inventory.add_group(name)
        for key, section in body.items():
            if key not in _KINDS:
                self._wrong(f"group {name!r}: unknown key {key!r}", 'only "vars", "children" and "hosts" are valid')
            elif not isinstance(section, _KINDS[key]):
                self._wrong(f"group {name!r}: {key} must be a {'list' if key == 'children' else 'table'}, not {type(section).__name__}")
            elif key == "vars":
                group.own_vars.update(section)
            elif key == "children":
                for child in section:
                    self.inventory.add_group(str(child), name)
            else:
                for pattern, variables in section.items():
                    self._host(name, pattern, variables)

    def _host(self, group: str, pattern: str, variables: Any) -> None:
        if not isinstance(variables, Mapping):
            self._wrong(f"host {pattern!r}: its variables must be a table, not {type(variables).__name__}")
            return
        try:
            for name in expand(pattern):
                self.inventory.add_host(name, [group], variables)
        except ValueError as e:
            self._wrong(str(e))

    def _wrong(self, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file, 0, 0, message, hint))

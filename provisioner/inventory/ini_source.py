"""The INI inventory format: `[group]`, `[group:children]`, `[group:vars]`, host lines with key=value variables, ranges."""

from __future__ import annotations

import ast
import re
import shlex
from typing import Any

from provisioner.inventory.errors import Problem
from provisioner.inventory.model import Inventory
from provisioner.inventory.ranges import expand

_SECTION = re.compile(r"^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$")
_KINDS = ("hosts", "children", "vars")


def literal(text: str) -> Any:
    """A value as Ansible reads it in INI: a Python literal where it is one, else the text."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if not isinstance(value, bytes | complex | set) else text


class IniSource:
    """Adds one INI text to an inventory; what is wrong goes to `problems`."""

    def __init__(self, inventory: Inventory, file: str) -> None:
        self.inventory = inventory
        self.file = file
        self.problems: list[Problem] = []
        self._declared: set[str] = {"all", "ungrouped"}
        self._awaited: dict[str, int] = {}

    def add(self, text: str) -> None:
        group, kind = "ungrouped", "hosts"
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if not line or line[0] in "#;":
                continue
            if line.startswith("["):
                found = _SECTION.match(line)
                if found is None or (found.group(2) or "hosts") not in _KINDS:
                    self._wrong(number, f"section {line!r} is not understood", "write [group], [group:children] or [group:vars]")
                    continue
                group, kind = self.inventory.group_name(found.group(1)), found.group(2) or "hosts"
                self._section(group, kind, number)
                continue
            {"hosts": self._host, "children": self._child, "vars": self._variable}[kind](group, line, number)
        for name, number in self._awaited.items():
            if name not in self._declared:
                self._wrong(number, f"group {name!r} is used but never declared", f"add a section [{name}]")

    def _section(self, group: str, kind: str, number: int) -> None:
        self.inventory.add_group(group)
        if kind == "vars":
            self._awaited.setdefault(group, number)
        else:
            self._declared.add(group)

    def _wrong(self, number: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file, number, 1, message, hint))

    def _host(self, group: str, line: str, number: int) -> None:
        try:
            words = shlex.split(line, comments=True)
        except ValueError as e:
            self._wrong(number, f"the line cannot be split into words: {e}")
            return
        variables: dict[str, Any] = {}
        for word in words[1:]:
            key, equals, value = word.partition("=")
            if not equals:
                self._wrong(number, f"expected key=value, found {word!r}")
                return
            variables[key] = literal(value)
        name, port = words[0], None
        bracketed = re.sub(r"\[[^\]]*\]", "", name)
        if bracketed.count(":") == 1:
            name, _, port_text = name.rpartition(":")
            port = int(port_text) if port_text.isdigit() else None
        if port is not None:
            variables.setdefault("ansible_port", port)
        try:
            for host in expand(name):
                self.inventory.add_host(host, [group], variables)
        except ValueError as e:
            self._wrong(number, str(e))

    def _child(self, group: str, line: str, number: int) -> None:
        child = line.split("#")[0].strip()
        if child == group or " " in child:
            self._wrong(number, f"{child!r} cannot be a child of group {group!r}")
            return
        child = self.inventory.add_group(child, group).name
        self._awaited.setdefault(child, number)

    def _variable(self, group: str, line: str, number: int) -> None:
        key, equals, value = line.partition("=")
        if not equals:
            self._wrong(number, f"expected key=value, found {line!r}")
            return
        self.inventory.groups[group].own_vars[key.strip()] = literal(value.strip())

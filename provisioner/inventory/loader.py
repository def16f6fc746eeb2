"""Loads inventory sources, then the typed trees, and raises once with everything that was wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.inventory import checks, constructed_source, documents, own_plugin_source, plugin_source
from provisioner.inventory.errors import InventoryError, Problem
from provisioner.inventory.ini_source import IniSource
from provisioner.inventory.model import Inventory
from provisioner.inventory.own_plugin_source import InventoryPlugins
from provisioner.inventory.ranges import expand
from provisioner.inventory.script_source import ScriptSource
from provisioner.inventory.toml_source import TomlSource
from provisioner.inventory.variable_files import VariableFiles
from provisioner.inventory.yaml_source import YamlSource
from provisioner.templating.vault import VaultSecrets

_YAML = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Ignored:
    """What of a folder is no inventory: by the ends of names, and by patterns (Ansible's ignore_extensions and ignore_patterns)."""

    ends: tuple[str, ...] = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
    patterns: tuple[re.Pattern[str], ...] = ()

    def holds(self, name: str) -> bool:
        if name.startswith(".") or name in ("group_vars", "host_vars") or name.endswith(self.ends):
            return True
        return any(pattern.search(name) for pattern in self.patterns)


def load(
    paths: Sequence[Path | str],
    *,
    extra_vars: Mapping[str, Any] | None = None,
    vault: VaultSecrets | None = None,
    plugins: InventoryPlugins | None = None,
    may_be_missing: bool = False,
    ignored: Ignored | None = None,
    valid_group_names: bool = False,
    merge_mappings: bool = False,
) -> Inventory:
    """The inventory of all sources, later ones winning. A source is a file, a directory, a program, or `host1,host2,`.

    `plugins` are people's own. With `may_be_missing` a path that is not there goes to the inventory's `missing`. Raises InventoryError with
    every problem found in all of them.
    """
    inventory = Inventory(extra_vars=extra_vars)
    inventory.valid_group_names, inventory.merge_mappings = valid_group_names, merge_mappings
    reader = _Reader(inventory, vault, plugins, ignored or Ignored())
    problems = reader.problems
    files: list[Path] = []
    # Whether every source could be read: what is missing from one that couldn't must not be reported as a mistake of another.
    whole = True
    for source in paths:
        text = str(source)
        if "," in text and not Path(text).exists():
            _host_list(inventory, text, problems)
            continue
        found = Path(text)
        if not found.exists() and may_be_missing:
            inventory.missing.append(str(found.absolute()))
            continue
        if not found.exists():
            problems.append(
                Problem(text, 0, 0, "inventory not found", "give the path of a file or directory, or a list such as host1,host2,")
            )
            whole = False
            continue
        files.append(found)
        inventory.sources = tuple(files)
        whole = reader.add_path(found) and whole
    inventory.sources = tuple(files)
    directories = dict.fromkeys((path if path.is_dir() else path.absolute().parent) for path in files)
    inventory.files = tuple(VariableFiles(directory, vault) for directory in directories)
    for beside in inventory.files:
        beside.deep = merge_mappings
    inventory.finish()
    circle = inventory.cycle()
    if circle:
        problems.append(Problem(str(files[0]) if files else "", 0, 0, f"groups contain each other: {' > '.join(circle)}"))
    if whole and not circle:
        try:
            warnings = checks.check(inventory, problems)
        except InventoryError as e:
            problems.extend(e.problems)
        else:
            inventory.warnings = tuple(warnings)
    if problems:
        raise InventoryError(problems)
    return inventory


def _host_list(inventory: Inventory, text: str, problems: list[Problem]) -> None:
    for name in filter(None, (part.strip() for part in text.split(","))):
        try:
            for host in expand(name):
                inventory.add_host(host, ["ungrouped"])
        except ValueError as e:
            problems.append(Problem("", 0, 0, str(e)))


class _Reader:
    """Adds files to an inventory; what is wrong goes to `problems`."""

    def __init__(self, inventory: Inventory, vault: VaultSecrets | None, plugins: InventoryPlugins | None, ignored: Ignored) -> None:
        self._ignored = ignored
        self._inventory = inventory
        self._vault = vault
        self._plugins = plugins
        self.problems: list[Problem] = []

    def add_path(self, path: Path) -> bool:
        """False when a file of it can't be read at all; its problem is noted."""
        if path.is_dir():
            whole = True
            for entry in sorted(path.iterdir()):
                if not self._ignored.holds(entry.name):
                    whole = self.add_path(entry) and whole
            return whole
        try:
            self._add_file(path)
        except InventoryError as e:
            self.problems.extend(e.problems)
            return False
        return True

    def _add_file(self, path: Path) -> None:
        claiming = own_plugin_source.claims(self._plugins, path) if self._plugins is not None else None
        if claiming is not None:
            own_plugin_source.run(self._inventory, claiming, path)
            return
        if path.suffix not in _YAML and os.access(path, os.X_OK) and path.read_bytes()[:2] == b"#!":
            script = ScriptSource(self._inventory, path)
            script.add()
            self.problems.extend(script.problems)
            return
        data = documents.read_text(path, self._vault)
        if path.suffix == ".toml":
            self._add_text(TomlSource(self._inventory, str(path)), data)
        elif path.suffix not in _YAML and not _looks_like_yaml(data):
            self._add_text(IniSource(self._inventory, str(path)), data)
        else:
            self._add_document(path, data)

    def _add_text(self, source: IniSource | TomlSource, data: bytes) -> None:
        try:
            source.add(data.decode())
        except UnicodeDecodeError:
            self.problems.append(Problem(source.file, 0, 0, "is not UTF-8 text"))
        self.problems.extend(source.problems)

    def _add_document(self, path: Path, data: bytes) -> None:
        inventory = self._inventory
        document = documents.parse(data, str(path), self._vault)
        self.problems.extend(document.duplicates)
        if document.value is None:
            return
        if isinstance(document.value, documents.LocatedDict) and isinstance(document.value.get(plugin_source.KEY), str):
            self._add_of_plugin(path, document.value)
            return
        source = YamlSource(inventory, str(path))
        source.add(document.value)
        self.problems.extend(source.problems)

    def _add_of_plugin(self, path: Path, document: documents.LocatedDict) -> None:
        inventory, name = self._inventory, document[plugin_source.KEY]
        if name in constructed_source.CONSTRUCTED:
            beside = constructed_source.variable_files([*inventory.sources, path], self._vault)
            constructed_source.ConstructedSource(inventory, document, beside).add()
            return
        if name in constructed_source.GENERATOR:
            constructed_source.generate(inventory, document)
            return
        own = own_plugin_source.of_name(self._plugins, document, path) if self._plugins is not None else None
        if own is not None:
            own_plugin_source.run(inventory, own, path)
            return
        plugin = plugin_source.PluginSource(inventory, path, document)
        plugin.add()
        if plugin.problems:
            raise InventoryError(plugin.problems)


def _looks_like_yaml(data: bytes) -> bool:
    """Whether the first line that says something is YAML's rather than INI's."""
    for line in data.splitlines():
        text = line.strip()
        if not text or text.startswith((b"#", b";")):
            continue
        return text.startswith(b"---") or (text.endswith(b":") and not text.startswith(b"["))
    return False

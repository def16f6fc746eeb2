"""Loads inventory sources, then the typed trees, and raises once with everything that was wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.inventory import checks, constructed_source, documents, plugin_source
from provisioner.inventory.errors import InventoryError, Problem
from provisioner.inventory.ini_source import IniSource
from provisioner.inventory.model import Inventory
from provisioner.inventory.ranges import expand
from provisioner.inventory.script_source import ScriptSource
from provisioner.inventory.variable_files import VariableFiles
from provisioner.inventory.yaml_source import YamlSource
from provisioner.templating.vault import VaultSecrets

_IGNORED = (".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry")
_YAML = (".yaml", ".yml", ".json")


def load(paths: Sequence[Path | str], *, extra_vars: Mapping[str, Any] | None = None, vault: VaultSecrets | None = None) -> Inventory:
    """The inventory of all sources, later ones winning. A source is a file, a directory, a program, or `host1,host2,`.

    Raises InventoryError with every problem found in all of them.
    """
    inventory = Inventory(extra_vars=extra_vars)
    problems: list[Problem] = []
    files: list[Path] = []
    # Whether every source could be read: what is missing from one that couldn't must not be reported as a mistake of another.
    whole = True
    for source in paths:
        text = str(source)
        if "," in text and not Path(text).exists():
            _host_list(inventory, text, problems)
            continue
        found = Path(text)
        if not found.exists():
            problems.append(
                Problem(text, 0, 0, "inventory not found", "give the path of a file or directory, or a list such as host1,host2,")
            )
            whole = False
            continue
        files.append(found)
        inventory.sources = tuple(files)
        whole = _add_path(inventory, found, vault, problems) and whole
    inventory.sources = tuple(files)
    directories = dict.fromkeys((path if path.is_dir() else path.absolute().parent) for path in files)
    inventory.files = tuple(VariableFiles(directory, vault) for directory in directories)
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


def _add_path(inventory: Inventory, path: Path, vault: VaultSecrets | None, problems: list[Problem]) -> bool:
    """False when a file of it can't be read at all; its problem is noted."""
    if path.is_dir():
        whole = True
        for entry in sorted(path.iterdir()):
            if entry.name.startswith(".") or entry.name in ("group_vars", "host_vars") or entry.name.endswith(_IGNORED):
                continue
            whole = _add_path(inventory, entry, vault, problems) and whole
        return whole
    try:
        _add_file(inventory, path, vault, problems)
    except InventoryError as e:
        problems.extend(e.problems)
        return False
    return True


def _add_file(inventory: Inventory, path: Path, vault: VaultSecrets | None, problems: list[Problem]) -> None:
    if path.suffix not in _YAML and os.access(path, os.X_OK) and path.read_bytes()[:2] == b"#!":
        script = ScriptSource(inventory, path)
        script.add()
        problems.extend(script.problems)
        return
    data = documents.read_text(path, vault)
    if path.suffix not in _YAML and not _looks_like_yaml(data):
        ini = IniSource(inventory, str(path))
        try:
            ini.add(data.decode())
        except UnicodeDecodeError:
            problems.append(Problem(str(path), 0, 0, "is not UTF-8 text"))
        problems.extend(ini.problems)
        return
    document = documents.parse(data, str(path), vault)
    problems.extend(document.duplicates)
    if document.value is None:
        return
    if isinstance(document.value, documents.LocatedDict) and isinstance(document.value.get(plugin_source.KEY), str):
        name = document.value[plugin_source.KEY]
        if name in constructed_source.CONSTRUCTED:
            beside = constructed_source.variable_files([*inventory.sources, path], vault)
            constructed_source.ConstructedSource(inventory, document.value, beside).add()
            return
        if name in constructed_source.GENERATOR:
            constructed_source.generate(inventory, document.value)
            return
        plugin = plugin_source.PluginSource(inventory, path, document.value)
        plugin.add()
        if plugin.problems:
            raise InventoryError(plugin.problems)
        return
    source = YamlSource(inventory, str(path))
    source.add(document.value)
    problems.extend(source.problems)


def _looks_like_yaml(data: bytes) -> bool:
    """Whether the first line that says something is YAML's rather than INI's."""
    for line in data.splitlines():
        text = line.strip()
        if not text or text.startswith((b"#", b";")):
            continue
        return text.startswith(b"---") or (text.endswith(b":") and not text.startswith(b"["))
    return False

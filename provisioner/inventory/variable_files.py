"""group_vars/ and host_vars/ beside an inventory or a playbook, as files or directories of files, read when first asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioner.inventory import documents
from provisioner.inventory.errors import InventoryError, Problem
from provisioner.inventory.overlays import overlay
from provisioner.templating.vault import VaultSecrets

_SUFFIXES = ("", ".yml", ".yaml", ".json")
_NOT_VARS = ("~", ".orig", ".bak", ".swp", ".retry", ".md", ".rst", ".txt", ".pyc")


class VariableFiles:
    """The variable files under one directory; each is parsed once."""

    def __init__(self, directory: Path, secrets: VaultSecrets | None = None) -> None:
        self.directory = directory
        self.deep = False
        """Whether mappings of one name in several files are merged (`hash_behaviour = merge`)."""
        self._secrets = secrets
        self._cache: dict[tuple[str, str], dict[str, Any]] = {}
        self._kinds = {kind: directory / kind for kind in ("group_vars", "host_vars") if (directory / kind).is_dir()}
        self.duplicates: list[Problem] = []
        """Keys that stand twice in what was read, until somebody tells of them."""
        self._present: dict[Path, frozenset[str]] = {}
        """What lies in the folders: asking the file system for each host takes long with many of them."""

    def group(self, name: str) -> dict[str, Any]:
        return self._vars("group_vars", name)

    def host(self, name: str) -> dict[str, Any]:
        return self._vars("host_vars", name)

    def _vars(self, kind: str, name: str) -> dict[str, Any]:
        root = self._kinds.get(kind)
        if root is None or "/" in name:
            return {}
        found = self._cache.get((kind, name))
        if found is None:
            found = self._cache[(kind, name)] = self._read(root, name)
        return found

    def _read(self, root: Path, name: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        present = self._present.get(root)
        if present is None:
            present = self._present[root] = frozenset(entry.name for entry in root.iterdir())
        for suffix in _SUFFIXES:
            for file in variable_paths(root / (name + suffix)) if name + suffix in present else ():
                document = documents.read(file, self._secrets)
                self.duplicates.extend(document.duplicates)
                value = document.value
                if value is None:
                    continue
                if not isinstance(value, dict):
                    place = documents.Location(str(file), 1, 1)
                    raise InventoryError([place.problem("a variable file must hold a mapping of names to values")])
                overlay(merged, value, deep=self.deep)
        return merged


def variable_paths(path: Path) -> list[Path]:
    """The variable files that a file or directory stands for, in the order they are merged."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        return []
    found: list[Path] = []
    for entry in sorted(path.iterdir()):
        if entry.name.startswith(".") or entry.name.endswith(_NOT_VARS):
            continue
        if entry.is_dir():
            found.extend(variable_paths(entry))
        elif entry.suffix in _SUFFIXES:
            found.append(entry)
    return found

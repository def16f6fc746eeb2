"""Plugins of one kind that are not ours but a playbook's, a role's (`<kind>_plugins/`) or a collection's: found by name, loaded when needed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from provisioner.engine.collections import Collections
from provisioner.templating.collection_plugins import importable
from provisioner.templating.plugins import STAND_INS


class OwnPlugins:
    """What was found so far; the first of equal names counts."""

    def __init__(self, collections: Collections, kind: str) -> None:
        self._collections = collections
        self._kind = kind
        self._files: dict[str, Path] = {}

    def add(self, root: Path) -> None:
        """Those beside a playbook or role."""
        self.add_folder(root / f"{self._kind}_plugins")

    def add_folder(self, folder: Path) -> None:
        for path in files_of(folder):
            self._files.setdefault(path.stem, path)

    def add_file(self, name: str, path: Path) -> None:
        """One under its full name."""
        self._files.setdefault(name, path)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def names(self) -> list[str]:
        return list(self._files)

    def find(self, name: str) -> Path | None:
        """The file of a plugin: beside playbooks and roles by its bare name, of a collection by its full one."""
        return self._files.get(name) or (self._collections.plugin(name, self._kind) if name.count(".") >= 2 else None)

    def load(self, name: str) -> ModuleType:
        """Its module. Raises whatever loading it raises; KeyError where there is no such plugin."""
        path = self.find(name)
        if path is None:
            raise KeyError(name)
        if self._collections.of_path(path) is not None and "." in name:
            importable(self._collections.roots)
            inner = path.parts[len(path.parts) - 1 - path.parts[::-1].index("ansible_collections") :]
            return importlib.import_module(".".join(inner).removesuffix(".py"))
        return loaded(path, f"_{self._kind}_{path.stem}")


def files_of(folder: Path) -> Iterator[Path]:
    """The Python files of a folder that hold plugins."""
    if folder.is_dir():
        yield from (path for path in sorted(folder.glob("*.py")) if path.stem != "__init__")


def use_stand_ins(settings: Mapping[str, Any]) -> None:
    """Has plugins import our stand-ins for ansible, which know the run's settings from now on."""
    if STAND_INS not in sys.path:
        sys.path.append(STAND_INS)
    from ansible import constants

    constants._CHOSEN.update(settings)


def loaded(path: Path, name: str) -> ModuleType:
    """A file as a module of this name, with stand-ins for what it imports from ansible. Raises whatever the file raises."""
    if STAND_INS not in sys.path:
        sys.path.append(STAND_INS)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("this is no Python file")
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # plugins look their own documentation up by it
    spec.loader.exec_module(module)
    made: ModuleType = module
    return made

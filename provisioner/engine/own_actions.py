"""Action plugins that are not ours but a playbook's, a role's (`action_plugins/`) or a collection's, found by the action's name."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from provisioner.engine.collections import Collections
from provisioner.engine.errors import TaskError
from provisioner.templating.collection_plugins import importable
from provisioner.templating.plugins import STAND_INS


class OwnActions:
    """What was found so far; the first of equal names counts. A plugin's file is read when a task first needs it."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self._files: dict[str, Path] = {}
        self._classes: dict[str, Any] = {}

    def add(self, root: Path) -> None:
        """Those beside a playbook or role."""
        self.add_folder(root / "action_plugins")

    def add_folder(self, folder: Path) -> None:
        if folder.is_dir():
            for path in sorted(folder.glob("*.py")):
                if path.stem != "__init__":
                    self._files.setdefault(path.stem, path)

    def add_of_collection(self, name: str, path: Path) -> None:
        """One under its full name."""
        self._files.setdefault(name, path)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def names(self) -> list[str]:
        return list(self._files)

    def get(self, name: str, written: str = "") -> Any | None:
        """The plugin's class; none for a builtin action that was asked for as such. Raises TaskError."""
        path = self._files.get(name)
        if path is None or written.startswith("ansible.builtin."):
            return None
        if name not in self._classes:
            try:
                self._classes[name] = self._loaded(name, path).ActionModule
            except Exception as e:
                raise TaskError(f"the action plugin of '{name}' ({path}) cannot be loaded: {type(e).__name__}: {e}") from e
        return self._classes[name]

    def _loaded(self, name: str, path: Path) -> Any:
        if self._collections.of_path(path) is not None and "." in name:
            importable(self._collections.roots)
            inner = path.parts[len(path.parts) - 1 - path.parts[::-1].index("ansible_collections") :]
            return importlib.import_module(".".join(inner).removesuffix(".py"))
        if STAND_INS not in sys.path:
            sys.path.append(STAND_INS)
        spec = importlib.util.spec_from_file_location(f"_action_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise ImportError("this is no Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

"""Action plugins that are not ours but a playbook's, a role's (`action_plugins/`) or a collection's, found by the action's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioner.engine.collections import Collections
from provisioner.engine.errors import TaskError
from provisioner.engine.own_plugins import OwnPlugins


class OwnActions(OwnPlugins):
    """A plugin's file is read when a task first needs it."""

    def __init__(self, collections: Collections) -> None:
        super().__init__(collections, "action")
        self._classes: dict[str, Any] = {}

    def add_of_collection(self, name: str, path: Path) -> None:
        """One under its full name."""
        self.add_file(name, path)

    def get(self, name: str, written: str = "") -> Any | None:
        """The plugin's class; none for a builtin action that was asked for as such. Raises TaskError."""
        if name not in self or written.startswith("ansible.builtin."):
            return None
        if name not in self._classes:
            try:
                self._classes[name] = self.load(name).ActionModule
            except Exception as e:
                raise TaskError(f"the action plugin of '{name}' ({self.find(name)}) cannot be loaded: {type(e).__name__}: {e}") from e
        return self._classes[name]

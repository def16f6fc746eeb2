"""Where people's own inventory plugins are found: beside playbooks (`inventory_plugins/`), in configured folders, in collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provisioner.engine.collections import Collections, python_roots, standard_roots
from provisioner.engine.own_plugins import OwnPlugins, use_stand_ins

_BUILTIN = frozenset({"host_list", "script", "auto", "yaml", "ini", "toml", "constructed", "generator", "advanced_host_list"})


class OwnInventoryPlugins:
    """`enabled` are those that `enable_plugins` names and that are none of ours."""

    def __init__(self, directories: Sequence[Path], settings: Mapping[str, Any]) -> None:
        self._settings = settings
        named = [Path(part) for part in settings.get("COLLECTIONS_PATHS", ())]
        collections = Collections([*(named or standard_roots()), *python_roots()])
        self._own = OwnPlugins(collections, "inventory")
        for folder in settings.get("DEFAULT_INVENTORY_PLUGIN_PATH", ()):
            self._own.add_folder(Path(folder))
        for directory in directories:
            self._own.add(directory)
            collections.add_beside(directory)
        enabled = [str(name) for name in settings.get("INVENTORY_ENABLED", ())]
        self.enabled = [name for name in enabled if name.removeprefix("ansible.builtin.") not in _BUILTIN]

    def find(self, name: str) -> Any | None:
        """A new plugin; None where nobody has it. Raises whatever loading it raises."""
        if self._own.find(name) is None:
            return None
        use_stand_ins(self._settings)
        plugin = self._own.load(name).InventoryModule()
        plugin._load_name = plugin.ansible_name = name
        return plugin

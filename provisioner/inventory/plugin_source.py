"""Inventory files that name a plug-in: `plugin: libvirt` and what it wants to know. The plug-in lists groups and hosts, as a program would.

Plug-ins are entry points of the group `provision.inventory`: (the file's document, its path) -> the JSON of an executable inventory. They
raise MachineError.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from provisioner.inventory.documents import LocatedDict
from provisioner.inventory.errors import Problem
from provisioner.inventory.model import Inventory
from provisioner.inventory.script_source import ScriptSource
from provisioner.inventory.spec_fields import nearest

KEY = "plugin"
PLUGINS = "provision.inventory"


class PluginSource(ScriptSource):
    """Adds what one file's plug-in lists to an inventory; what is wrong goes to `problems`."""

    def __init__(self, inventory: Inventory, path: Path, document: LocatedDict) -> None:
        super().__init__(inventory, path)
        self._document = document

    def _run(self, *arguments: str) -> dict[str, Any] | None:
        from provisioner.machines.errors import MachineError

        name = str(self._document[KEY])
        found = entry_points(group=PLUGINS, name=name)
        place = self._document.value_at(KEY)
        if not found:
            known = entry_points(group=PLUGINS).names
            hint = nearest(name, known).replace("keys", "plug-ins")
            self.problems.append(place.problem(f"no inventory plug-in {name!r} is installed", hint))
            return None
        try:
            listed: Mapping[str, Any] = next(iter(found)).load()(self._document, self.path)
        except MachineError as e:
            self.problems.append(Problem(str(self.path), place.line, place.column, e.message, e.hint))
        except ImportError as e:
            self.problems.append(place.problem(f"the inventory plug-in {name!r} can't be loaded: {e}", "install what it stands on"))
        else:
            return dict(listed)
        return None

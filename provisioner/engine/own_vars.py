"""People's own vars plugins (BaseVarsPlugin): variables of hosts and groups, as files in group_vars/ and host_vars/ would give them.

Those beside a playbook and in roles (`vars_plugins/`) run by themselves unless they say REQUIRES_ENABLED; those, and what collections have,
run where `vars_plugins_enabled` names them. They are asked for the folder of each inventory source and for that of the playbook.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.engine import actions
from provisioner.engine.content import Content
from provisioner.engine.errors import RunError
from provisioner.engine.own_plugins import use_stand_ins
from provisioner.engine.plugin_objects import HostViews
from provisioner.inventory import Inventory
from provisioner.inventory.variable_files import VariableFiles
from provisioner.templating import Templar
from provisioner.templating.plugin_tools import Loader
from provisioner.templating.values import final
from provisioner.templating.vault import VaultSecrets


class OwnVars:
    """The plugins of a run, and the variable files that lie beside what."""

    def __init__(self, content: Content, inventory: Inventory, vault: VaultSecrets | None) -> None:
        self._views = HostViews(inventory)
        self._vault = vault
        self._plugins = _loaded(content)
        if self._plugins:
            places = [source.directory for source in inventory.files]
            inventory.files = (*inventory.files, *(self._of(plugin, place) for plugin in self._plugins for place in places))
            inventory.changed()

    def beside(self, directory: Path) -> tuple[VariableFiles, ...]:
        """For a playbook in this folder."""
        own = [self._of(plugin, directory) for plugin in self._plugins if _stage(plugin) != "inventory"]
        return (VariableFiles(directory, self._vault), *own)

    def _of(self, plugin: Any, directory: Path) -> PluginVariables:
        return PluginVariables(directory, plugin, self._views)


def ask_for_listing(inventory: Inventory, playbook_dir: Path | None, settings: Mapping[str, Any], vault: VaultSecrets | None) -> None:
    """Has plugins take part in an inventory that is only to be shown; those beside a playbook where its folder is named. Raises RunError."""
    beside = playbook_dir is not None and (playbook_dir / "vars_plugins").is_dir()
    if not (beside or settings.get("VARIABLE_PLUGINS_ENABLED") or settings.get("DEFAULT_VARS_PLUGIN_PATH")):
        return
    content = Content(
        (playbook_dir or Path()).absolute(),
        known=actions.is_known,
        names=actions.known_names,
        secrets=vault,
        collections_path=tuple(Path(part) for part in settings.get("COLLECTIONS_PATHS", ())),
        settings=settings,
    )
    own = OwnVars(content, inventory, vault)
    if playbook_dir is not None:
        inventory.playbook_files = own.beside(playbook_dir)
        inventory.changed()


def _loaded(content: Content) -> list[Any]:
    own, settings = content.own_plugins["vars"], content.settings
    enabled = [str(name) for name in settings.get("VARIABLE_PLUGINS_ENABLED", ())]
    names = [*own.names(), *(name for name in enabled if name.count(".") >= 2 and own.find(name) is not None)]
    plugins = []
    for name in dict.fromkeys(names):
        use_stand_ins(settings)
        try:
            cls = own.load(name).VarsModule
            if name in enabled or not (getattr(cls, "REQUIRES_ENABLED", False) or getattr(cls, "REQUIRES_WHITELIST", False)):
                plugin = cls()
                plugin._load_name = plugin.ansible_name = name
                plugin.set_options()
                plugins.append(plugin)
        except Exception as e:
            raise RunError(f"the vars plugin '{name}' ({own.find(name)}) cannot be loaded: {type(e).__name__}: {e}") from e
    return plugins


def _stage(plugin: Any) -> str:
    return str(plugin.get_options().get("stage") or "all")


class PluginVariables(VariableFiles):
    """What one plugin says of hosts and groups in one folder; asked once for each."""

    def __init__(self, directory: Path, plugin: Any, views: HostViews) -> None:
        super().__init__(directory)
        self._plugin = plugin
        self._views = views
        self._loader = Loader(str(directory), Templar())
        self._said: dict[tuple[str, str], dict[str, Any]] = {}

    def group(self, name: str) -> dict[str, Any]:
        return self._asked("group", name)

    def host(self, name: str) -> dict[str, Any]:
        return self._asked("host", name)

    def _asked(self, kind: str, name: str) -> dict[str, Any]:
        found = self._said.get((kind, name))
        if found is None:
            self._said[kind, name] = {}  # a plugin that asks for variables itself does not ask itself
            entity = self._views.group(name) if kind == "group" else self._views.host(name)
            found = self._said[kind, name] = self._ask(entity)
        return found

    def _ask(self, entity: Any) -> dict[str, Any]:
        try:
            said = self._plugin.get_vars(self._loader, str(self.directory), [entity])
        except Exception as e:
            raise RunError(f"the vars plugin '{self._plugin._load_name}' failed for {entity}: {e or type(e).__name__}") from e
        return final(dict(said or {}))

"""What people's own inventory plugins inherit; the inventory that they are given is the engine's (InventoryData)."""

import importlib
import os
import re
from typing import Any, Dict, List, Tuple

from ansible.errors import AnsibleParserError
from ansible.inventory.group import to_safe_group_name
from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display

_RANGE = re.compile(r"\[[^\]]*:[^\]]*\]")
_PORT = re.compile(r"^([^\[\]:]+(?:\[[^\]]*\][^\[\]:]*)*|\[[^\]]+\]):(\d+)$")


def detect_range(line: str = "") -> bool:
    """Whether a name stands for several hosts."""
    return "[" in line and _RANGE.search(line) is not None


class BaseInventoryPlugin(AnsiblePlugin):  # type: ignore[misc]
    """`parse(inventory, loader, path)` is theirs; it begins with `super().parse(...)`."""

    TYPE = "generator"
    NAME = ""
    plugin_type = "inventory"
    _sanitize_group_name = staticmethod(to_safe_group_name)

    def __init__(self) -> None:
        super().__init__()
        self.display = Display()
        self.inventory: Any = None
        self.loader: Any = None
        self.templar: Any = None
        self._vars: Dict[str, Any] = {}
        self._cache: Dict[str, Any] = {}

    def parse(self, inventory: Any, loader: Any, path: Any, cache: bool = True) -> None:
        self.inventory, self.loader = inventory, loader

    def verify_file(self, path: str) -> bool:
        """Whether the file can be the plugin's: it exists and can be read."""
        return os.path.exists(path) and os.access(path, os.R_OK)

    def _read_config_data(self, path: str) -> Dict[str, Any]:
        """The file's options, which are the plugin's from now on. Raises AnsibleParserError."""
        yaml = importlib.import_module("yaml")  # only the controller reads inventories, and it has YAML
        try:
            with open(path, encoding="utf-8") as file:
                config = yaml.safe_load(file)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
            raise AnsibleParserError(str(e)) from e
        if not config:
            raise AnsibleParserError("%s is empty" % path)
        if not isinstance(config, dict):
            raise AnsibleParserError("inventory source has invalid structure, it should be a dictionary, got: %s" % type(config))
        if config.get("plugin") not in (self.NAME, self.ansible_name, self._load_name):
            raise AnsibleParserError("Incorrect plugin name in file: %s" % (config.get("plugin") or "none found"))
        self.set_options(direct=config)
        return dict(config)

    def _consume_options(self, data: Dict[str, Any]) -> None:
        """Takes what it documents out of a mapping."""
        for name in self._documented():
            if name in data:
                self._options[name] = data.pop(name)

    def _expand_hostpattern(self, hostpattern: str) -> Tuple[List[str], Any]:
        """(names, port)."""
        found = _PORT.match(hostpattern)
        pattern, port = (found.group(1), int(found.group(2))) if found else (hostpattern, None)
        return (self.inventory.expand(pattern) if detect_range(pattern) else [pattern]), port

    def _populate_host_vars(self, hosts: Any, variables: Any, group: Any = None, port: Any = None) -> None:
        if not isinstance(variables, dict) and variables is not None:
            raise AnsibleParserError("Invalid data from file, expected dictionary and got:\n\n%s" % (variables,))
        for host in hosts:
            self.inventory.add_host(host, group=group, port=port)
            for name, value in (variables or {}).items():
                self.inventory.set_variable(host, name, value)


class BaseFileInventoryPlugin(BaseInventoryPlugin):
    TYPE = "storage"


class Cacheable:
    """What is kept lives as long as the run."""

    _cache: Any

    @property
    def cache(self) -> Any:
        return self._cache

    def load_cache_plugin(self) -> None:
        self._cache = {}

    def get_cache_key(self, path: str) -> str:
        return "%s_%s" % (getattr(self, "NAME", ""), path)

    def update_cache_if_changed(self) -> None:
        """It is kept already."""

    def clear_cache(self) -> None:
        self._cache = {}


class Constructable:
    """Variables and groups made of a host's variables."""

    inventory: Any
    templar: Any
    get_option: Any

    def _construct(self, host: str, variables: Any, strict: bool, fetch_hostvars: bool, **options: Any) -> None:
        known = dict(self.inventory.get_host(host).get_vars()) if fetch_hostvars or variables is None else {}
        known.update(variables or {})
        known.setdefault("inventory_hostname", host)
        try:
            leading = self.get_option("leading_separator")
        except KeyError:
            leading = True
        self.inventory.construct(host, known, dict(options, strict=strict, leading_separator=leading))

    def _compose(self, template: str, variables: Any, disable_lookups: bool = True) -> Any:
        """An expression's value."""
        return self.templar.resolve_variable_expression(template, local_variables=dict(variables))

    def _set_composite_vars(self, compose: Any, variables: Any, host: str, strict: bool = False) -> None:
        if compose and isinstance(compose, dict):
            self._construct(host, variables, strict, False, compose=compose)

    def _add_host_to_composed_groups(
        self, groups: Any, variables: Any, host: str, strict: bool = False, fetch_hostvars: bool = True
    ) -> None:
        if groups and isinstance(groups, dict):
            self._construct(host, variables, strict, fetch_hostvars, groups=groups)

    def _add_host_to_keyed_groups(self, keys: Any, variables: Any, host: str, strict: bool = False, fetch_hostvars: bool = True) -> None:
        if keys and isinstance(keys, list):
            self._construct(host, variables, strict, fetch_hostvars, keyed_groups=keys)

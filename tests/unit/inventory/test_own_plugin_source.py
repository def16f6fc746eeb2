"""Proves that people's own inventory plugins, and those of collections, add hosts, groups and variables, and say what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.own_inventory import OwnInventoryPlugins
from provisioner.inventory import Inventory, InventoryError, load

PLUGIN = """
DOCUMENTATION = '''
options:
  plugin: {required: true}
  count: {type: int, default: 2}
  token: {env: [{name: TEST_INVENTORY_TOKEN}]}
extends_documentation_fragment: [constructed]
'''
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = 'NAMED'
    def verify_file(self, path):
        return super().verify_file(path) and path.endswith('mine.yml')
    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        group = self.inventory.add_group('web')
        for host in self._expand_hostpattern('n[1:%d]:22' % self.get_option('count'))[0]:
            self._populate_host_vars([host], {'num': int(host[1:]), 'said': '{{ num }}'}, group, 22)
            known = self.inventory.get_host(host).get_vars()
            strict = self.get_option('strict')
            self._set_composite_vars(self.get_option('compose'), known, host, strict=strict)
            self._add_host_to_composed_groups(self.get_option('groups'), known, host, strict=strict)
            self._add_host_to_keyed_groups(self.get_option('keyed_groups'), known, host, strict=strict)
        self.inventory.add_child('all', 'web')
        self.inventory.set_variable('web', 'token', self.get_option('token'))
"""
FILE = "plugin: NAMED\ncount: 3\ncompose: {double: num * 2}\ngroups: {odd: num % 2 == 1}\nkeyed_groups: [{key: num | string, prefix: n}]\n"


def loaded(tmp_path: Path, text: str, name: str = "mine", file: str = "mine.yml", plugin: str = PLUGIN, **settings: Any) -> Inventory:
    folder = tmp_path / "inventory_plugins"
    if "." in name:
        folder = tmp_path / "collections" / "ansible_collections" / "acme" / "tools" / "plugins" / "inventory"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name.rsplit('.', 1)[-1]}.py").write_text(plugin.replace("NAMED", name))
    (tmp_path / file).write_text(text.replace("NAMED", name))
    return load([tmp_path / file], plugins=OwnInventoryPlugins([tmp_path], settings))


@pytest.mark.parametrize("name", ["mine", "acme.tools.mine"])
def test_a_file_that_names_a_plugin_holds_what_the_plugin_adds(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_INVENTORY_TOKEN", "abc")
    found = loaded(tmp_path, FILE, name)
    assert {host.name: host.groups for host in found.hosts.values()} == {
        "n1": ("n_1", "odd", "web"), "n2": ("n_2", "web"), "n3": ("n_3", "odd", "web"),
    }  # fmt: skip
    assert found.hosts["n2"].vars == {"token": "abc", "num": 2, "said": "{{ num }}", "double": 4, "ansible_port": 22}
    assert type(found.hosts["n2"].vars["said"]).__name__ == "Unsafe"


def test_an_enabled_plugin_is_asked_about_every_file(tmp_path: Path) -> None:
    plugin = PLUGIN.replace("self._read_config_data(path)", "self.set_options()").replace("plugin: {required: true}", "plugin: {}")
    assert list(loaded(tmp_path, "anything", plugin=plugin, INVENTORY_ENABLED=["mine", "yaml"]).hosts) == ["n1", "n2"]


@pytest.mark.parametrize(
    ("text", "file", "plugin", "message"),
    [
        (FILE, "other.yml", PLUGIN, "could not be verified by inventory plugin 'mine'"),
        (FILE, "mine.yml", "import nowhere\n", "the inventory plugin 'mine' cannot be loaded: ModuleNotFoundError"),
        (FILE, "mine.yml", PLUGIN + "        raise AnsibleParserError('too many')\n", "Failed to parse inventory with 'mine' plugin: too many"),
        (FILE, "mine.yml", PLUGIN + "        self.inventory.add_child('nobody', 'n1')\n", "nobody is not a known group"),
        (FILE + "strict: true\n", "mine.yml", PLUGIN.replace("'num'", "'none'"), "Could not set double for host n1"),
        (FILE.replace("NAMED", "nobodys"), "mine.yml", PLUGIN, "no inventory plug-in 'nobodys' is installed"),
    ],
)  # fmt: skip
def test_what_goes_wrong_says_so(tmp_path: Path, text: str, file: str, plugin: str, message: str) -> None:
    with pytest.raises(InventoryError) as caught:
        loaded(tmp_path, text, file=file, plugin=plugin)
    assert message in str(caught.value)


def test_what_is_taken_away_is_in_no_group(tmp_path: Path) -> None:
    ending = "        self.inventory.remove_host('n1')\n        self.inventory.remove_group('odd')\n        self.inventory.reconcile_inventory()\n"
    found = loaded(tmp_path, FILE, plugin=PLUGIN + ending)
    assert sorted(found.hosts) == ["n2", "n3"] and "odd" not in found.groups and found.hosts["n3"].groups == ("n_3", "web")


def test_a_missing_source_is_no_mistake_where_that_is_said(tmp_path: Path) -> None:
    found = load([tmp_path / "none", "h1,"], may_be_missing=True)
    assert found.missing == [str(tmp_path / "none")] and list(found.hosts) == ["h1"]
    with pytest.raises(InventoryError, match="inventory not found"):
        load([tmp_path / "none"])

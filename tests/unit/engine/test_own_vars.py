"""Proves that people's own vars plugins give variables of hosts and groups where files in group_vars/ and host_vars/ would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.errors import RunError
from tests.unit.engine.fakes import play, tasks

PLUGIN = """
DOCUMENTATION = '''
options:
  stage: {env: [{name: TEST_STAGE}]}
  mark: {default: m, ini: [{section: vars_mine, key: mark}]}
'''
from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.plugins.vars import BaseVarsPlugin
class VarsModule(BaseVarsPlugin):
    def get_vars(self, loader, path, entities, cache=True):
        super().get_vars(loader, path, entities)
        found = {}
        for entity in entities if isinstance(entities, list) else [entities]:
            kind = 'host' if isinstance(entity, Host) else 'group' if isinstance(entity, Group) else '?'
            found[kind + '_of_' + entity.get_name()] = path.rsplit('/', 1)[-1]
            found['last'] = kind + ' ' + entity.name + self.get_option('mark') + ' {{ x }}'
        return found
"""
INVENTORY = "web:\n  hosts:\n    h1: {last: mine}\n"
TEXT = tasks("- debug: msg={{ last }}\n- debug: msg={{ [group_of_all, group_of_web, host_of_h1] | map('length') | list | length }}\n")


def messages(tmp_path: Path, plugin: str = PLUGIN, place: str = "vars_plugins", **more: Any) -> list[Any]:
    return play(tmp_path, TEXT, inventory=INVENTORY, files={f"{place}/mine.py": plugin, **more.pop("files", {})}, **more).messages()


def test_a_plugin_wins_over_the_inventory_and_is_no_template(tmp_path: Path) -> None:
    assert messages(tmp_path) == ["host h1m {{ x }}", 3]


def test_files_of_the_playbook_and_the_plugin_come_in_order(tmp_path: Path) -> None:
    assert messages(tmp_path, files={"host_vars/h1.yml": "last: file"})[0] == "host h1m {{ x }}"


@pytest.mark.parametrize("place", ["roles/r/vars_plugins", "configured"])
def test_a_plugin_may_lie_in_a_role_or_a_configured_folder(tmp_path: Path, place: str) -> None:
    text = TEXT.replace("tasks:", "roles: [r]\n  tasks:")
    files = {f"{place}/mine.py": PLUGIN, "roles/r/tasks/main.yml": "[]"}
    settings = {"DEFAULT_VARS_PLUGIN_PATH": [str(tmp_path / "configured")]}
    assert play(tmp_path, text, inventory=INVENTORY, files=files, settings=settings).messages()[0] == "host h1m {{ x }}"


@pytest.mark.parametrize(("enabled", "expected"), [((), "mine"), (("mine",), "host h1m {{ x }}")])
def test_some_run_only_where_they_are_enabled(tmp_path: Path, enabled: tuple[str, ...], expected: str) -> None:
    text = tasks("- debug: msg={{ last }}\n")
    files = {"vars_plugins/mine.py": PLUGIN.replace("    def get_vars", "    REQUIRES_ENABLED = True\n    def get_vars")}
    played = play(tmp_path, text, inventory=INVENTORY, files=files, settings={"VARIABLE_PLUGINS_ENABLED": enabled})
    assert played.messages() == [expected]


def test_one_of_a_collection_runs_when_it_is_enabled(tmp_path: Path) -> None:
    settings = {"VARIABLE_PLUGINS_ENABLED": ["acme.tools.mine"]}
    place = "collections/ansible_collections/acme/tools/plugins/vars"
    assert messages(tmp_path, place=place, settings=settings)[0] == "host h1m {{ x }}"


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        ("import nowhere\n", r"the vars plugin 'mine' \(.*mine.py\) cannot be loaded: ModuleNotFoundError"),
        (PLUGIN.replace("found = {}", "raise ValueError('oh')"), "the vars plugin 'mine' failed for .*: oh"),
    ],
)
def test_what_goes_wrong_ends_the_run_with_one_error(tmp_path: Path, plugin: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        messages(tmp_path, plugin)

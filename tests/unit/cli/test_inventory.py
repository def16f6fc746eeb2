"""The inventory as ansible-inventory prints it: lists, trees, one host, and what is wrong with a call."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from provisioner.cli.inventory import command
from provisioner.inventory import load
from provisioner.inventory.listing import Listing
from provisioner.templating.vault import VaultSecrets

ROOT = Path(__file__).parents[3]


def test_listing_and_graph() -> None:
    shown = Listing(load([ROOT / "inventories/lab.yaml"]))
    told = shown.for_programs()
    assert told["workers"] == {"hosts": ["worker-1", "worker-2"]}
    assert set(told["_meta"]["hostvars"]) == {"master-1", "worker-1", "worker-2"}
    assert "  |--@workers:" in shown.tree()
    assert "  |  |--worker-1" in shown.tree()


def test_unknown_host_names_those_there_are() -> None:
    result = CliRunner().invoke(command, [str(ROOT / "inventories/lab.yaml"), "--host", "nobody"])
    assert result.exit_code == 5
    assert "hosts: master-1, worker-1, worker-2" in result.output


def test_export_has_variables_where_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("[web]\nw1 own=1\nw2\n[web:vars]\nof_web=yes\n")
    plain = json.loads(_printed(tmp_path / "hosts", "--list"))
    assert plain["_meta"]["hostvars"]["w1"] == {"own": 1, "of_web": "yes"} and plain["_meta"]["hostvars"]["w2"] == {"of_web": "yes"}
    exported = json.loads(_printed(tmp_path / "hosts", "--list", "--export"))
    assert exported["_meta"]["hostvars"] == {"w1": {"own": 1}} and exported["web"]["vars"] == {"of_web": "yes"}
    assert json.loads(_printed(tmp_path / "hosts", "--list", "--limit", "w2"))["web"]["hosts"] == ["w2"]
    assert _printed(tmp_path / "hosts", "--graph", "--vars", "web").splitlines() == [
        "@web:", "  |--w1", "  |  |--{of_web = yes}", "  |  |--{own = 1}", "  |--w2", "  |  |--{of_web = yes}", "  |--{of_web = yes}"
    ]  # fmt: skip


def test_encrypted_values_stay_encrypted_with_and_without_the_secret(tmp_path: Path) -> None:
    secrets = VaultSecrets({"default": b"pw"})
    envelope = secrets.encrypt(b"hidden").decode()
    indented = "".join(f"      {line}\n" for line in envelope.splitlines())
    (tmp_path / "hosts.yml").write_text(f"all:\n  hosts: {{h: {{}}}}\n  vars:\n    key: !vault |\n{indented}")
    (tmp_path / "pw").write_text("pw")
    without = json.loads(_printed(tmp_path / "hosts.yml", "--host", "h"))
    opened = json.loads(_printed(tmp_path / "hosts.yml", "--host", "h", "--vault-password-file", str(tmp_path / "pw")))
    assert without == opened == {"key": {"__ansible_vault": envelope}}


def test_what_is_no_template_and_other_letters_are_shown_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text('all:\n  hosts:\n    h: {text: !unsafe "{{ é☃ }}"}\n')
    assert '"text": "{{ é☃ }}"' in _printed(tmp_path / "hosts.yml", "--list")


def _printed(source: Path, *arguments: str) -> str:
    result = CliRunner().invoke(command, ["-i", str(source), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_toml_has_a_group_before_its_children(tmp_path: Path) -> None:
    (tmp_path / "hosts.ini").write_text("[web]\nw1 a=1\n[par:children]\nweb\n")
    assert list(Listing(load([tmp_path / "hosts.ini"])).flat()) == ["par", "web"]


def test_what_toml_cannot_hold_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dumps(value: object) -> str:
        raise TypeError("Object of type 'NoneType' is not TOML serializable")

    monkeypatch.setitem(sys.modules, "tomli_w", SimpleNamespace(dumps=dumps))
    (tmp_path / "hosts.ini").write_text("w1 a=None\n")
    result = CliRunner().invoke(command, ["-i", str(tmp_path / "hosts.ini"), "--list", "--toml"])
    assert result.exit_code == 1
    assert "TOML cannot hold every value: Object of type 'NoneType'" in result.output


def test_vars_plugins_are_asked_where_the_folder_is_named(tmp_path: Path) -> None:
    plugins = tmp_path / "book" / "vars_plugins"
    plugins.mkdir(parents=True)
    (plugins / "mine.py").write_text(
        "from ansible.plugins.vars import BaseVarsPlugin\n"
        "class VarsModule(BaseVarsPlugin):\n"
        "    def get_vars(self, loader, path, entities, cache=True):\n"
        "        return {'said_of_' + entity.name: 1 for entity in entities}\n"
    )
    words = ["-i", "h1,", "--host", "h1", "--playbook-dir"]
    assert '"said_of_h1": 1' in CliRunner().invoke(command, [*words, str(tmp_path / "book")]).output
    assert "said_of" not in CliRunner().invoke(command, [*words, str(tmp_path)]).output
    (plugins / "mine.py").write_text("raise ValueError('broken')\n")
    assert "mine.py) cannot be loaded: ValueError: broken" in CliRunner().invoke(command, [*words, str(tmp_path / "book")]).output

"""Proves that the dynamic inventory holds what Vagrant says now: groups by name, ways only to what runs, addresses by number."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.machines.errors import MachineError
from provisioner.machines.vagrant.command import Ssh, Vagrant
from provisioner.machines.vagrant.listing import addresses, arranged, listing

STATES = {"master-1": "running", "worker-1": "not_created", "other": "running"}
WAYS = {"master-1": Ssh("192.168.121.5", 22, "vagrant", ("/key",)), "other": Ssh("127.0.0.1", 2201, "vagrant")}


def test_groups_and_ways() -> None:
    found = arranged({"vars": {"a": 1}}, STATES, WAYS, {"master-1": "10.93.0.11", "worker-1": "10.93.0.12"})
    assert found["all"] == {"vars": {"a": 1}}
    assert found["masters"] == {"hosts": ["master-1"]}
    assert found["workers"] == {"hosts": ["worker-1"]}
    assert found["ungrouped"] == {"hosts": ["other"]}
    hosts = found["_meta"]["hostvars"]
    assert hosts["worker-1"] == {"vagrant_state": "not_created", "node_address": "10.93.0.12"}
    assert hosts["other"]["ansible_port"] == 2201
    assert hosts["master-1"]["ansible_host"] == "192.168.121.5"
    assert hosts["master-1"]["ansible_ssh_private_key_file"] == "/key"
    assert hosts["master-1"]["node_address"] == "10.93.0.11"


def test_groups_of_ones_own() -> None:
    found = arranged({"groups": {"web": "oth*", "both": ["master-*", "other"]}}, STATES, WAYS, {})
    assert found["web"] == {"hosts": ["other"]}
    assert found["both"] == {"hosts": ["master-1", "other"]}
    assert found["ungrouped"] == {"hosts": ["worker-1"]}
    with pytest.raises(MachineError, match="groups must be a mapping"):
        arranged({"groups": ["a"]}, STATES, WAYS, {})


def test_addresses_follow_the_settings_beside_the_vagrantfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVISION_NETWORK", raising=False)
    settings = tmp_path / "lab.yaml"
    settings.write_text("network: 10.93.0.0/24\n")
    assert addresses(["a", "b"], settings) == {"a": "10.93.0.11", "b": "10.93.0.12"}
    assert addresses(["a"], None) == {}
    monkeypatch.setenv("PROVISION_NETWORK", "10.94.0.0/24")
    assert addresses(["a"], settings) == {"a": "10.94.0.11"}


@pytest.mark.parametrize("text", ["- a\n", "network: lots\n", "{", "other: 1\n"])
def test_bad_settings_are_one_error(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVISION_NETWORK", raising=False)
    (tmp_path / "lab.yaml").write_text(text)
    with pytest.raises(MachineError, match=r"settings: .*lab.yaml must be a YAML file with `network`"):
        addresses(["a"], tmp_path / "lab.yaml")
    with pytest.raises(MachineError, match="can't be read: No such file"):
        addresses(["a"], tmp_path / "none.yaml")


def test_only_what_runs_is_asked_for_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(Vagrant, "states", lambda self: STATES)
    monkeypatch.setattr(Vagrant, "ssh", lambda self, names: asked.append(list(names)) or WAYS)
    listing({"plugin": "vagrant", "folder": "lab"}, tmp_path / "inventory.yaml")
    assert asked == [["master-1", "other"]]
    with pytest.raises(MachineError, match=r"(?s)unknown keys: foldr.*known: folder"):
        listing({"plugin": "vagrant", "foldr": "lab"}, tmp_path / "inventory.yaml")

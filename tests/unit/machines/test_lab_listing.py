"""Proves that labs on this computer are listed with their own inventories' groups, and that equal names are not mixed."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from provisioner.machines import disks
from provisioner.machines.errors import MachineError
from provisioner.machines.lab_listing import listing
from provisioner.machines.spec import HostSpec, LabSpec

TEXT = """
all:
  vars:
    machines: {{provider: nspawn, network: {network}}}
    cluster: {{name: {name}}}
  children:
    masters: {{hosts: {{m: {{ansible_user: admin}}}}}}
    workers: {{hosts: {{w: }}}}
"""


def record(folder: Path, name: str, network: str) -> LabSpec:
    """A lab whose record is there, as `create` leaves it."""
    path = folder / f"{name}.yaml"
    path.write_text(TEXT.format(name=name, network=network))
    reach = ipaddress.IPv4Network(network)
    lab = LabSpec(name, path, reach, (HostSpec("m", reach[11]), HostSpec("w", reach[12])))
    disks.prepare_lab(lab, folder)
    return lab


def test_hosts_groups_and_ways(tmp_path: Path) -> None:
    lab = record(tmp_path, "one", "10.91.3.0/24")
    found = listing({"plugin": "lab", "vars": {"a": 1}}, tmp_path / "dynamic.yaml", store=tmp_path)
    assert (found["masters"], found["workers"], found["all"]) == ({"hosts": ["m"]}, {"hosts": ["w"]}, {"vars": {"a": 1}})
    host = found["_meta"]["hostvars"]["m"]
    assert (host["ansible_host"], host["ansible_user"], host["lab_state"]) == ("10.91.3.11", "admin", "absent")
    assert host["ansible_ssh_private_key_file"] == str(lab.state / "id_ed25519")


def test_equal_names_in_two_labs_need_the_clusters_name(tmp_path: Path) -> None:
    record(tmp_path, "one", "10.91.3.0/24")
    record(tmp_path, "two", "10.91.4.0/24")
    with pytest.raises(MachineError, match=r"(?s)two labs have a host m: .*one.*two.*say which is meant: cluster"):
        listing({"plugin": "lab"}, tmp_path / "dynamic.yaml", store=tmp_path)
    found = listing({"plugin": "lab", "cluster": "two"}, tmp_path / "dynamic.yaml", store=tmp_path)
    assert found["_meta"]["hostvars"]["w"]["ansible_host"] == "10.91.4.12"


def test_a_lab_whose_inventory_is_gone_is_listed_as_recorded(tmp_path: Path) -> None:
    record(tmp_path, "one", "10.91.3.0/24").inventory.unlink()
    found = listing({"plugin": "lab"}, tmp_path / "dynamic.yaml", store=tmp_path)
    assert found["ungrouped"] == {"hosts": ["m", "w"]}
    assert found["_meta"]["hostvars"]["w"]["ansible_host"] == "10.91.3.12"


def test_unknown_keys(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"(?s)unknown keys: clustr.*known: cluster, plugin, vars"):
        listing({"plugin": "lab", "clustr": "x"}, tmp_path / "dynamic.yaml", store=tmp_path)

"""Proves that machines are found by what libvirt has of them: by cluster, by tag, and to be removed without their inventory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.machines.errors import MachineError
from provisioner.machines.libvirt.listing import left_labs, listing, of_connection
from provisioner.machines.libvirt.provider import LibvirtProvider
from tests.unit.machines.libvirt.conftest import everything

Make = Callable[..., LibvirtProvider]


def test_machines_with_their_groups_and_ways(make_provider: Make, connection: Any) -> None:
    lab = make_provider()
    lab.create()
    lab.start(["m"])
    found = of_connection(connection, {"vars": {"a": 1}})
    assert (found["all"], found["masters"], found["workers"]) == ({"vars": {"a": 1}}, {"hosts": ["m"]}, {"hosts": ["w"]})
    hosts = found["_meta"]["hostvars"]
    assert (hosts["m"]["libvirt_state"], hosts["w"]["libvirt_state"]) == ("running", "off")
    said = lab.connection_vars()["m"]
    assert {key: hosts["m"][key] for key in said} == said, "the same as the provider's own"


def test_by_tag_and_by_cluster(make_provider: Make, connection: Any) -> None:
    make_provider(name="one").create()
    make_provider(name="two", network="10.90.0.0/24").create()
    with pytest.raises(MachineError, match=r"(?s)two labs have a machine m.*say which is meant: cluster"):
        of_connection(connection, {})
    found = of_connection(connection, {"cluster": "two", "tags": ["workers"]})
    assert found["_meta"]["hostvars"].keys() == {"w"}
    assert found["_meta"]["hostvars"]["w"]["ansible_host"] == "10.90.0.12"
    assert of_connection(connection, {"cluster": "none"})["_meta"]["hostvars"] == {}


def test_unknown_keys() -> None:
    with pytest.raises(MachineError, match=r"(?s)unknown keys: url.*known: cluster, plugin, tags, uri, vars"):
        listing({"plugin": "libvirt", "url": "x"}, Path("inventory.yaml"))


def test_what_a_killed_run_left_is_removed_without_its_inventory(make_provider: Make, connection: Any) -> None:
    before = everything(connection)
    lab = make_provider()
    lab.create()
    lab.lab.inventory.unlink()
    [left] = left_labs(connection, "test:///default")
    assert (left.lab.id, left.lab.inventory) == (lab.lab.id, lab.lab.inventory)
    LibvirtProvider(left, opened=lambda uri: connection).destroy()
    assert everything(connection) == before

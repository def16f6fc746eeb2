"""Proves that two labs never share a name, and that hosts get the addresses they should."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from provisioner.machines.errors import MachineError, UnknownMachineError
from provisioner.machines.spec import HostSpec, LabSpec, number_hosts

NETWORK = ipaddress.IPv4Network("10.89.0.0/24")


def lab(path: str = "/srv/one/lab.yaml", cluster: str = "lab", bridge: str = "") -> LabSpec:
    return LabSpec(cluster, Path(path), NETWORK, (HostSpec("a", NETWORK[11]),), bridge=bridge)


def test_names_differ_between_folders_and_between_clusters() -> None:
    labs = [lab(), lab("/srv/two/lab.yaml"), lab(cluster="other")]
    assert len({one.id for one in labs}) == 3
    assert len({one.bridge_name for one in labs}) == 3
    assert len({one.machine_name(one.hosts[0]) for one in labs}) == 3


def test_names_are_the_same_in_every_run_and_fit_the_kernel() -> None:
    assert lab().id == lab().id
    assert len(lab().bridge_name) <= 15


def test_the_inventory_may_name_the_bridge() -> None:
    assert lab(bridge="br-mine").bridge_name == "br-mine"


def test_state_lies_beside_the_inventory() -> None:
    assert lab().state == Path("/srv/one/.provision/lab")
    assert lab().package_proxy == "http://10.89.0.1:13142"


def test_unknown_host_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownMachineError, match="no host 'b'") as caught:
        lab().host("b")
    assert "a" in caught.value.hint


def test_fixed_addresses_are_kept_and_the_others_numbered_around_them() -> None:
    numbered = number_hosts(["a", "b", "c"], NETWORK, {"b": "10.89.0.11"})
    assert {name: str(address) for name, address in numbered.items()} == {"b": "10.89.0.11", "a": "10.89.0.12", "c": "10.89.0.13"}


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"a": "web.example"}, "not an IPv4 address"),
        ({"a": "10.90.0.5"}, "can't be used"),
        ({"a": "10.89.0.1"}, "can't be used"),
        ({"a": "10.89.0.255"}, "can't be used"),
        ({"a": "10.89.0.7", "b": "10.89.0.7"}, "two hosts"),
    ],
)
def test_wrong_addresses_are_refused(fixed: dict[str, str], message: str) -> None:
    with pytest.raises(MachineError, match=message):
        number_hosts(["a", "b"], NETWORK, fixed)


def test_a_full_range_is_an_error() -> None:
    with pytest.raises(MachineError, match="no address left"):
        number_hosts([f"h{i}" for i in range(5)], ipaddress.IPv4Network("10.89.0.0/28"), {})

"""Proves what machines are asked for, from the inventory: sizes, cards, disks; and that contradictions are told before anything is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provisioner.machines.errors import MachineError
from provisioner.machines.libvirt.spec import mac_of

Make = Callable[..., Any]
STORAGE = [{"name": "storage", "network": "10.50.0.0/24"}]


def test_defaults_and_what_a_host_says(make_lab: Make) -> None:
    lab = make_lab(memory_mib=700, disks=[{"size_gib": 3}], workers={"w": {"machine": {"cpus": 4, "disks": []}}})
    master, worker = lab.hosts
    assert (master.memory_mib, master.cpus, master.disk_gib, master.disks_gib, master.groups) == (700, 1, 10, (3,), ("masters",))
    assert (worker.memory_mib, worker.cpus, worker.disks_gib) == (700, 4, ())
    assert lab.networks[0].forward == "nat"
    assert str(lab.networks[0].gateway) == "10.89.0.1"


def test_addresses_given_out_to_strangers_are_nobodys(make_lab: Make) -> None:
    [network] = make_lab().networks
    assert str(network.first_free) == "10.89.0.222"
    assert str(network.last_free) == "10.89.0.254"


def test_cards_on_further_networks(make_lab: Make) -> None:
    card = {"network": "storage", "address": "10.50.0.7", "mac": "52:54:00:00:00:01"}
    lab = make_lab(networks=STORAGE, workers={"w": {"machine": {"networks": [card]}}})
    first, second = lab.host("w").cards
    assert (second.mac, str(second.address), second.static) == ("52:54:00:00:00:01", "10.50.0.7", False)
    assert first.network != second.network
    assert {network.forward for network in lab.networks} == {"nat", "isolated"}


def test_a_mac_is_always_the_same_and_nobody_elses() -> None:
    assert mac_of("lab", "a", "main") == mac_of("lab", "a", "main")
    assert len({mac_of("lab", host, net) for host in "abc" for net in ("main", "storage")}) == 6
    assert mac_of("lab", "a", "main").startswith("52:54:00:")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"forward": "bridge"}, "forward: bridge needs the bridge's name"),
        ({"networks": [*STORAGE, *STORAGE]}, "'storage' is there twice"),
        ({"networks": [{"name": "a", "forward": "nat"}]}, "a: forward: nat needs a range"),
        ({"networks": [{"name": "a", "forward": "bridge"}]}, "a: forward: bridge needs the bridge's name"),
        ({"workers": {"w": {"machine": {"networks": [{"network": "x"}]}}}}, "host w: no network 'x'"),
        (
            {"networks": STORAGE, "workers": {"w": {"machine": {"networks": [{"network": "storage", "address": "10.51.0.7"}]}}}},
            "10.51.0.7 is not in the network storage",
        ),
        ({"workers": {n: {"machine": {"mac": "52:54:00:00:00:01"}} for n in "ab"}}, "52:54:00:00:00:01 is given to a too"),
    ],
)
def test_contradictions(make_lab: Make, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(MachineError, match=message.replace("(", r"\(")):
        make_lab(**settings)

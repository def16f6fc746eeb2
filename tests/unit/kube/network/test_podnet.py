"""Proves address allocation: stable, persistent, late reuse, and an end."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from provisioner.kube.network.podnet import Addresses, AddressesExhausted, HostPort, host_port_rules, interface_of, link_mtu

RANGE = ipaddress.IPv4Network("10.244.1.0/29")


def test_stable_and_persistent(tmp_path: Path) -> None:
    first = Addresses(tmp_path / "a.json")
    assert first.allocate("one", RANGE) == "10.244.1.2"
    assert first.allocate("two", RANGE) == "10.244.1.3"
    again = Addresses(tmp_path / "a.json")
    assert again.allocate("two", RANGE) == "10.244.1.3"
    assert again.all() == {"one": "10.244.1.2", "two": "10.244.1.3"}


def test_a_freed_address_is_used_last(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path / "a.json")
    assert [addresses.allocate(uid, RANGE)[-1] for uid in ("a", "b")] == ["2", "3"]
    addresses.free("a")
    assert [addresses.allocate(uid, RANGE)[-1] for uid in ("c", "d", "e", "f")] == ["4", "5", "6", "2"]
    with pytest.raises(AddressesExhausted, match="no free address in"):
        addresses.allocate("g", RANGE)


def test_an_address_of_another_range_is_replaced(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path / "a.json")
    addresses.allocate("a", RANGE)
    assert addresses.allocate("a", ipaddress.IPv4Network("10.244.9.0/24")).startswith("10.244.9.")


def test_interface_names_fit_the_kernel() -> None:
    assert len(interface_of("8c7e2a34-0000-4f6e-9a55-000000000000")) == 15


def test_host_port_rules() -> None:
    rules = host_port_rules([("10.1.0.2", (HostPort("TCP", 80, 8080), HostPort("UDP", 53, 53, "192.0.2.1")))])
    assert "tcp dport 80 dnat to 10.1.0.2:8080" in rules
    assert "ip daddr 192.0.2.1 udp dport 53 dnat to 10.1.0.2:53" in rules
    assert rules.index("192.0.2.1") < rules.index("tcp dport 80"), "one address's port comes before every address's"
    assert "ct status dnat ip saddr 10.1.0.2 ip daddr 10.1.0.2 masquerade" in rules


@pytest.mark.parametrize(
    ("devices", "routes", "size"),
    [
        ({"kube-vxlan": 1450, "eth0": 1500}, "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0", 1450),
        (
            {"eth0": 9000, "eth1": 1400},
            "eth1 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\neth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0",
            9000,
        ),
        ({"eth0": 1400}, "eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0", None),
    ],
    ids=["tunnel", "default-route", "no-way-out"],
)
def test_pods_send_what_the_hosts_links_carry(tmp_path: Path, devices: dict[str, int], routes: str, size: int | None) -> None:
    for name, mtu in devices.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "mtu").write_text(f"{mtu}\n")
    listed = tmp_path / "route"
    listed.write_text(f"Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n{routes}\n")
    assert link_mtu(tmp_path, listed) == size

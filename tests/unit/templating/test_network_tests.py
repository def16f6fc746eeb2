"""Proves the tests of ansible.utils by values that pass and values that do not."""

from __future__ import annotations

import pytest

from provisioner.templating import Templar


@pytest.mark.parametrize(
    ("test", "passing", "failing"),
    [
        ("in_network('10.0.0.0/8')", ["10.1.2.3", "10.1.2.0/24"], ["11.0.0.1", "::1", "x", "10.1.2.3/24"]),
        ("in_any_network(['10.0.0.0/8', '::/0'])", ["10.1.2.3", "::1"], ["8.8.8.8"]),
        ("in_one_network(['10.0.0.0/8', '10.1.0.0/16'])", ["10.2.0.1"], ["10.1.0.1"]),
        ("supernet_of('10.1.2.3/32')", ["10.1.2.0/24"], ["10.1.3.0/24"]),
        ("ip", ["10.1.2.0/24", "::1"], ["10.1.2.3/24", "x"]),
        ("ip_address", ["10.1.2.3"], ["10.1.2.0/24"]),
        ("ipv4", ["10.1.2.3"], ["::1"]),
        ("ipv6_address", ["::1"], ["10.1.2.3"]),
        ("ipv4_netmask", ["255.255.255.0"], ["0.0.0.255", "0.0.0.0"]),
        ("ipv4_hostmask", ["0.0.0.255"], ["255.255.255.0"]),
        ("ipv6_ipv4_mapped", ["::ffff:1.2.3.4"], ["::1"]),
        ("loopback", ["127.0.0.1", "::1"], ["10.1.2.3"]),
        ("multicast", ["224.0.0.1"], ["10.1.2.3"]),
        ("private", ["10.1.2.3"], ["8.8.8.8"]),
        ("public", ["8.8.8.8"], ["10.1.2.3"]),
        ("mac", ["1a:2b:3c:4d:5e:6f", "1a2b.3c4d.5e6f", "1a2b3c4d5e6f"], ["1a:2b", "x"]),
    ],
)
def test_an_address_is_what_it_is_called(test: str, passing: list[str], failing: list[str]) -> None:
    templar = Templar()
    assert [value for value in passing + failing if templar.condition(f"'{value}' is ansible.utils.{test}")] == passing

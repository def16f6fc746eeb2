"""Tests of ansible.utils about addresses (`is ansible.utils.in_network('10.0.0.0/8')`). Networks with host bits are none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

Parsed = ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Network | ipaddress.IPv6Network


def _read(value: Any, kind: Callable[[Any], Any]) -> Any:
    try:
        return kind(str(value))
    except ValueError:
        return None


def _is(kind: Callable[[Any], Any], holds: Callable[[Any], bool] = lambda found: True) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        found = _read(value, kind)
        return found is not None and holds(found)

    return test


def _within(inner: Any, outer: Any) -> bool:
    one, other = _read(inner, ipaddress.ip_network), _read(outer, ipaddress.ip_network)
    return one is not None and other is not None and one.version == other.version and one.subnet_of(other)


def _mask(inverted: bool) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        found = _read(value, ipaddress.IPv4Address)
        if found is None or int(found) == 0:
            return False
        ones = int(found) if inverted else int(found) ^ 0xFFFFFFFF
        return ones & (ones + 1) == 0

    return test


TESTS: dict[str, Callable[..., bool]] = {
    "in_network": _within,
    "in_any_network": lambda value, networks: any(_within(value, net) for net in networks),
    "in_one_network": lambda value, networks: sum(_within(value, net) for net in networks) == 1,
    "subnet_of": _within,
    "supernet_of": lambda value, inner: _within(inner, value),
    "ip": _is(ipaddress.ip_network),
    "ipv4": _is(ipaddress.IPv4Network),
    "ipv6": _is(ipaddress.IPv6Network),
    "ip_address": _is(ipaddress.ip_address),
    "ipv4_address": _is(ipaddress.IPv4Address),
    "ipv6_address": _is(ipaddress.IPv6Address),
    "ipv4_netmask": _mask(inverted=False),
    "ipv4_hostmask": _mask(inverted=True),
    "ipv6_ipv4_mapped": _is(ipaddress.IPv6Address, lambda found: found.ipv4_mapped is not None),
    "ipv6_sixtofour": _is(ipaddress.IPv6Address, lambda found: found.sixtofour is not None),
    "ipv6_teredo": _is(ipaddress.IPv6Address, lambda found: found.teredo is not None),
    "loopback": _is(ipaddress.ip_address, lambda found: found.is_loopback),
    "multicast": _is(ipaddress.ip_address, lambda found: found.is_multicast),
    "private": _is(ipaddress.ip_address, lambda found: found.is_private),
    "public": _is(ipaddress.ip_address, lambda found: found.is_global),
    "reserved": _is(ipaddress.ip_address, lambda found: found.is_reserved),
    "unspecified": _is(ipaddress.ip_address, lambda found: found.is_unspecified),
    "mac": lambda value: (
        re.fullmatch(r"([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}|[0-9a-fA-F]{12}", str(value)) is not None
    ),
}

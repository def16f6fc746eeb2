"""Addresses and masks as text."""

import ipaddress
import re

VALID_MASKS = [2**8 - 2**i for i in range(9)]


def is_mac(mac_address: str) -> bool:
    return bool(re.match(r"^(([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2})$", mac_address))


def is_netmask(val: str) -> bool:
    try:
        return str(ipaddress.IPv4Network("0.0.0.0/%s" % val).netmask) == val
    except ValueError:
        return False


def is_masklen(val: str) -> bool:
    return str(val).isdigit() and 0 <= int(val) <= 32


def to_netmask(val: str) -> str:
    if not is_masklen(val):
        raise ValueError("invalid value for masklen")
    return str(ipaddress.IPv4Network("0.0.0.0/%s" % val).netmask)


def to_masklen(val: str) -> int:
    if not is_netmask(val):
        raise ValueError("invalid value for netmask: %s" % val)
    return ipaddress.IPv4Network("0.0.0.0/%s" % val).prefixlen


def to_subnet(addr: str, mask: str, dotted_notation: bool = False) -> str:
    network = ipaddress.IPv4Network("%s/%s" % (addr, mask), strict=False)
    return "%s %s" % (network.network_address, network.netmask) if dotted_notation else str(network)


def to_bits(val: str) -> str:
    """A dotted mask's bits, one after another."""
    return "".join("{:08b}".format(int(octet)) for octet in val.split("."))


def to_ipv6_subnet(addr: str) -> str:
    """The first 64 bits."""
    return _first_groups(addr, 4)


def to_ipv6_network(addr: str) -> str:
    """The first 48 bits."""
    return _first_groups(addr, 3)


def _first_groups(addr: str, count: int) -> str:
    groups = ipaddress.IPv6Address(addr).exploded.split(":")[:count]
    return ":".join(group.lstrip("0") or "0" for group in groups) + "::"

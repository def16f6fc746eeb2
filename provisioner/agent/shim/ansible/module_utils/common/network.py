"""Addresses and masks as text."""

import ipaddress
import re


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

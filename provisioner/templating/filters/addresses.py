"""What a value of the ipaddr family means: an address, or a network with one of its addresses in front."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Any

from provisioner.templating.errors import PluginError

_PREFIX_TEXT = re.compile(r"[0-9]{1,3}")
# The registries of special addresses (RFC 6890 and its updates): what does not go over the internet, and what of it does.
_LOCAL = [
    ipaddress.ip_network(text)
    for text in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
        "::1/128",
        "::/128",
        "::ffff:0:0/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "fc00::/7",
        "fe80::/10",
    ]
]
_GLOBAL = [
    ipaddress.ip_network(text)
    for text in [
        "192.0.0.9/32",
        "192.0.0.10/32",
        "2001:1::1/128",
        "2001:1::2/128",
        "2001:3::/32",
        "2001:4:112::/48",
        "2001:20::/28",
        "2001:30::/28",
    ]
]


@dataclass(frozen=True)
class Address:
    """An address with the network it stands in. `written`: the value had a prefix; `text`: what queries that only choose give back."""

    number: int
    prefix: int
    version: int
    written: bool
    text: str

    @property
    def width(self) -> int:
        return 32 if self.version == 4 else 128

    @property
    def size(self) -> int:
        return 1 << self.width - self.prefix

    @property
    def first(self) -> int:
        return self.number & ~(self.size - 1)

    @property
    def last(self) -> int:
        return self.first + self.size - 1

    @property
    def ip(self) -> str:
        return self.show(self.number)

    @property
    def is_network(self) -> bool:
        return self.size > 1 and self.number == self.first

    @property
    def with_prefix(self) -> str:
        return f"{self.ip}/{self.prefix}"

    @property
    def subnet(self) -> str:
        return f"{self.show(self.first)}/{self.prefix}"

    @property
    def usable(self) -> tuple[int, int]:
        """The first and last number hosts may have."""
        return (self.first, self.last) if self.size <= 2 else (self.first + 1, self.last - 1)

    @property
    def is_global(self) -> bool:
        found = (ipaddress.IPv4Address if self.version == 4 else ipaddress.IPv6Address)(self.number)
        return not any(found in net for net in _LOCAL) or any(found in net for net in _GLOBAL)

    def show(self, number: int) -> str:
        """A number as an address of this version. Raises PluginError when there is none."""
        if not 0 <= number < 1 << self.width:
            raise PluginError(f"failed to detect a valid IP address from {number}")
        if self.version == 4:
            return socket.inet_ntop(socket.AF_INET, number.to_bytes(4, "big"))
        return socket.inet_ntop(socket.AF_INET6, number.to_bytes(16, "big"))

    def holds(self, other: Address) -> bool:
        return self.version == other.version and self.first <= other.first and other.last <= self.last


def read(value: Any, version: int | None = None) -> Address | None:
    """A text or number as an address; None when it is none. `version` decides what a small number is."""
    if not value or value is True:
        return None
    text = str(value)
    if text.isdecimal():
        number = int(text)
        chosen = 6 if version == 6 or number >= 1 << 32 else 4
        width = 32 if chosen == 4 else 128
        found = Address(number, width, chosen, False, "") if number < 1 << width else None
        return Address(number, width, chosen, False, found.with_prefix) if found else None
    head, slash, tail = text.partition("/")
    if slash and head.isdecimal() and _PREFIX_TEXT.fullmatch(tail):
        return _numbered(int(head), int(tail))
    host = _host(head)
    if host is None:
        return None
    prefix = _prefix(tail, host) if slash else host.max_prefixlen
    return None if prefix is None else Address(int(host), prefix, host.version, bool(slash), text)


def _numbered(number: int, prefix: int) -> Address | None:
    version = 4 if number < 1 << 32 and prefix <= 32 else 6
    if number >= 1 << 128 or prefix > 128:
        return None
    found = Address(number, prefix, version, True, "")
    return Address(number, prefix, version, True, found.with_prefix)


def _host(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


def _prefix(text: str, host: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int | None:
    """A length, a netmask or a hostmask as a length."""
    if _PREFIX_TEXT.fullmatch(text):
        return int(text) if int(text) <= host.max_prefixlen else None
    mask = _host(text)
    if mask is None or mask.version != host.version:
        return None
    width, number = mask.max_prefixlen, int(mask)
    inverse = number ^ ((1 << width) - 1)
    if inverse & (inverse + 1) == 0:
        return width - inverse.bit_length()
    return width - number.bit_length() if number & (number + 1) == 0 else None


def single(value: Any) -> Address:
    """One address without a prefix. Raises PluginError."""
    text = str(value)
    host = _host(text)
    if host is None:
        raise PluginError(f"You must pass a valid IP address; {text} is invalid")
    return Address(int(host), host.max_prefixlen, host.version, False, text)


def integer(value: Any, name: str) -> int:
    """An argument as a number. Raises PluginError."""
    try:
        if isinstance(value, float) and value != int(value):
            raise ValueError
        return int(value)
    except (TypeError, ValueError):
        raise PluginError(
            f"argument '{name}' is of type {type(value).__name__} and we were unable to convert to int: "
            f'"{value!r}" cannot be converted to an int'
        ) from None

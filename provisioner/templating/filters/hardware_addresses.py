"""MAC addresses (ansible.utils): reads the ways they are written, writes each of them, and makes IPv6 addresses of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from provisioner.templating.errors import PluginError
from provisioner.templating.filters.addresses import read

# Marks between groups, how many groups, and how many digits one has.
_WAYS = (
    (":", 6, "{1,2}"), ("-", 6, "{1,2}"), (":", 3, "{1,4}"), ("-", 3, "{1,4}"), (r"\.", 3, "{1,4}"), ("-", 2, "{5,6}"), (":", 2, "{5,6}"),
    ("", 1, "{11,12}"),
)  # fmt: skip
_PATTERNS = [(re.compile(mark.join([f"([0-9A-Fa-f]{digits})"] * groups)), 12 // groups) for mark, groups, digits in _WAYS]


def _number(value: Any) -> int | None:
    """The 48 bits; None when it is no MAC address."""
    for pattern, width in _PATTERNS:
        found = pattern.fullmatch(str(value))
        if found:
            return int("".join(group.zfill(width) for group in found.groups()), 16)
    return int(value) if str(value).isdecimal() and int(value) < 1 << 48 else None


def _grouped(number: int, size: int, mark: str) -> str:
    digits = f"{number:012x}"
    return mark.join(digits[i : i + size] for i in range(0, 12, size))


_FORMS: dict[str, Callable[[int], Any]] = {
    "bare": lambda n: f"{n:012X}",
    "bool": lambda n: True,
    "int": lambda n: n,
    "cisco": lambda n: _grouped(n, 4, "."),
    "linux": lambda n: _grouped(n, 2, ":"),
    "unix": lambda n: ":".join(f"{byte:x}" for byte in n.to_bytes(6, "big")),
    **dict.fromkeys(("pgsql", "postgresql", "psql"), lambda n: _grouped(n, 6, ":")),
    **dict.fromkeys(("eui48", "win"), lambda n: _grouped(n, 2, "-").upper()),
}


def hwaddr(value: Any, query: str = "", alias: str = "hwaddr") -> Any:
    number = _number(value)
    if number is None:
        if query in ("", "bool"):
            return None
        raise PluginError(f"{alias}: not a hardware address: {value}")
    if query == "":
        return str(value)
    if query not in _FORMS:
        raise PluginError(f"{alias}: unknown filter type: {query}")
    return _FORMS[query](number)


def slaac(value: Any, query: Any = "") -> Any:
    """The address a host with this MAC gives itself in a network (RFC 4291, appendix A)."""
    net, number = read(str(value)), _number(query)
    if net is None or net.version != 6 or number is None:
        return False
    identifier = ((number >> 24) << 40 | 0xFFFE << 24 | number & 0xFFFFFF) ^ 1 << 57
    return net.show(net.first + identifier)


FILTERS: dict[str, Callable[..., Any]] = {
    "hwaddr": hwaddr,
    "macaddr": lambda value, query="": hwaddr(value, query, "macaddr"),
    "slaac": slaac,
}

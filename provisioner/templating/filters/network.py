"""The ipaddr family (ansible.utils): answers queries about addresses and networks, and counts through them.

What a query does not answer is None, what is no address at all is False: both are what ansible.utils says.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from provisioner.templating.errors import PluginError
from provisioner.templating.filters.addresses import Address, integer, read, single

# The most addresses a list of them may have: 2**16, a /16.
_MAX_LISTED = 65536
_6TO4, _LINK_LOCAL = "2002::/16", {4: "169.254.0.0/16", 6: "fe80::/10"}
_MULTICAST, _LOOPBACK = {4: "224.0.0.0/4", 6: "ff00::/8"}, {4: "127.0.0.0/8", 6: "::1/128"}


def _inside(net: str, found: Address) -> bool:
    outer = read(net)
    return outer is not None and outer.holds(found)


def _alone(a: Address) -> Address:
    return Address(a.number, a.width, a.version, False, a.text)


def _named(a: Address) -> Address:
    """Queries about a network need a value with a prefix."""
    if not a.written:
        raise PluginError("Not a network address")
    return a


def _address(a: Address) -> str | None:
    return a.ip if a.size <= 2 or a.number != a.first or a.version == 6 else None


def _host(a: Address) -> str | None:
    return a.with_prefix if a.size <= 2 or a.number != a.first else None


def _inner(a: Address) -> str | bool:
    return a.with_prefix if a.size <= 2 or a.number not in (a.first, a.last) else False


def _ip_in_net(a: Address, after: str) -> str | None:
    return a.ip + after if a.size == 2 or (a.size > 1 and a.number != a.first) else None


def _edge(a: Address, which: int) -> str | None:
    return a.show(_named(a).usable[which]) if a.size > 1 else None


def _range(a: Address) -> str | None:
    return "-".join(a.show(number) for number in _named(a).usable) if a.size > 1 else None


def _step(a: Address, by: int) -> str | None:
    if a.size == 1:
        return None
    text = a.show(a.number + by)
    return text if a.usable[0] <= a.number + by <= a.usable[1] else None


def _peer(a: Address) -> str:
    if _named(a).size == 2:
        return a.show(a.number ^ 1)
    if a.size != 4:
        raise PluginError("Not a point-to-point network")
    if a.number in (a.first, a.last):
        raise PluginError(f"{'Network' if a.number == a.first else 'Broadcast'} address of /30 has no peer")
    return a.show(a.number ^ 3)


def _public(a: Address) -> str | None:
    inverse = a.number ^ ((1 << a.width) - 1)
    mask = a.number & (a.number + 1) == 0 or inverse & (inverse + 1) == 0
    return a.text if a.is_global and not mask and not _inside(_MULTICAST[a.version], _alone(a)) else None


def _as_v4(a: Address) -> str | bool:
    if a.version == 4:
        return a.text
    if a.number >> 32 not in (0, 0xFFFF) or a.prefix < 96:
        return False
    return Address(a.number & 0xFFFFFFFF, a.prefix - 96, 4, True, "").with_prefix


def _as_v6(a: Address) -> str:
    return a.text if a.version == 6 else Address(a.number + (0xFFFF << 32), a.prefix + 96, 6, True, "").with_prefix


def _six_to_four(a: Address) -> str | bool:
    if a.version == 6:
        return a.text if _inside(_6TO4, _alone(a)) and (not a.written or not a.is_network) else False
    if a.is_network or not (_public(_alone(a)) or not a.is_global):
        return False
    return f"2002:{a.number >> 16:04x}:{a.number & 0xFFFF:04x}::1/48"


def _wrapped(a: Address) -> str:
    if a.version == 4:
        return a.text
    return f"[{a.ip}]/{a.prefix}" if a.written else f"[{a.ip}]"


def _mask(a: Address) -> str:
    return a.show((1 << a.width) - a.size)


_QUERIES: dict[str, Callable[[Address], Any]] = {
    "": lambda a: a.with_prefix if a.written else a.ip,
    "6to4": _six_to_four,
    "bool": lambda a: True,
    "broadcast": lambda a: a.show(a.last) if a.size > 2 else None,
    "cidr": lambda a: a.with_prefix,
    "first_usable": lambda a: _edge(_named(a), 0),
    "last_usable": lambda a: _edge(_named(a), 1),
    "host": _host,
    "hostmask": lambda a: a.show(a.size - 1),
    "wildcard": lambda a: a.show(a.size - 1),
    "int": lambda a: f"{a.number}/{a.prefix}" if a.written else a.number,
    "ip_netmask": lambda a: _ip_in_net(a, f" {_mask(a)}"),
    "ip/prefix": lambda a: _ip_in_net(a, f"/{a.prefix}"),
    "link-local": lambda a: a.text if _inside(_LINK_LOCAL[a.version], _alone(a)) else None,
    "multicast": lambda a: a.text if _inside(_MULTICAST[a.version], a) else None,
    "unicast": lambda a: None if _inside(_MULTICAST[a.version], a) else a.text,
    "net": lambda a: a.subnet if a.is_network else None,
    "netmask": _mask,
    "network_netmask": lambda a: f"{a.show(a.first)} {_mask(a)}",
    "network_wildcard": lambda a: f"{a.show(a.first)} {a.show(a.size - 1)}",
    "next_usable": lambda a: _step(_named(a), 1),
    "previous_usable": lambda a: _step(_named(a), -1),
    "peer": _peer,
    "prefix": lambda a: a.prefix,
    "private": lambda a: None if a.is_global else a.text,
    "public": _public,
    "range_usable": lambda a: _range(_named(a)),
    "revdns": lambda a: ipaddress.ip_address(a.ip).reverse_pointer + ".",
    "size": lambda a: a.size,
    "size_usable": lambda a: a.size - 2 if a.size > 2 else a.size - a.size % 2,
    "type": lambda a: "network" if a.is_network else "address",
    "version": lambda a: a.version,
    "wrap": _wrapped,
    **dict.fromkeys(("address", "ip"), _address),
    **dict.fromkeys(("address/prefix", "gateway", "gw", "host/prefix", "hostnet", "router"), _inner),
    **dict.fromkeys(("ipv4", "v4"), _as_v4),
    **dict.fromkeys(("ipv6", "v6"), _as_v6),
    **dict.fromkeys(("lo", "loopback"), lambda a: a.text if _inside(_LOOPBACK[a.version], _alone(a)) else None),
    **dict.fromkeys(("network", "network_id"), lambda a: a.show(a.first)),
    **dict.fromkeys(("network/prefix", "subnet"), lambda a: a.subnet),
}


def _answer(value: Any, query: str, version: int | None, alias: str) -> Any:
    if isinstance(value, list):
        answers = [_answer(item, query, version, "ipaddr") for item in value]
        return [answer for answer in answers if answer]
    found = read(value, version)
    if found is None or (version and found.version != version):
        return False
    if query in _QUERIES:
        return _QUERIES[query](found)
    outer = None if query.isdecimal() else read(query)
    if outer is not None:
        return found.text if outer.holds(found) else None
    if not re.fullmatch(r"[-+]?[0-9]+", query):
        raise PluginError(f"{alias}: unknown filter type: {query}")
    if found.size == 1:
        return found.with_prefix if found.written else found.ip
    number = _nth(found, int(query))
    return False if number is None else f"{found.show(number)}/{found.prefix}"


def _nth(found: Address, index: int) -> int | None:
    if not -found.size <= index < found.size:
        return None
    return (found.first if index >= 0 else found.last + 1) + index


def _expect(value: Any, kinds: tuple[type, ...], alias: str) -> None:
    if not isinstance(value, kinds):
        raise PluginError(f"Unrecognized type <{type(value)}> for {alias} filter <value>")


def ipaddr(value: Any, query: Any = "", version: Any = None, alias: str = "ipaddr") -> Any:
    _expect(value, (str, list, int), alias)
    return _answer(value, str(query), int(version) if version else None, alias)


def ipwrap(value: Any, query: Any = "") -> Any:
    """Addresses of version 6 in brackets, everything else as it is. The query is accepted and not looked at, as there."""
    _expect(value, (str, list, bool), "ipwrap")

    def wrap(item: Any) -> Any:
        found = read(item)
        return _wrapped(found) if found is not None else item

    if isinstance(value, list):
        return [wrap(item) for item in value]
    return wrap(_answer(value, "", None, "ipwrap") or value)


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    found = read(str(value))
    if found is None:
        return False
    query = str(query)
    if not query:
        return found.subnet
    if not query.isdecimal():
        return _place_in(found, query)
    prefix = int(query)
    if prefix > found.width:
        return False
    if found.size == 1:
        return _around(found, prefix, 0 if index is None else integer(index, "index"))
    if index is None:
        if prefix < found.prefix:
            raise PluginError(f"Requested subnet size of {prefix} is invalid")
        return str(1 << prefix - found.prefix)
    count = 1 << max(prefix - found.prefix, 0)
    position = integer(index, "index")
    position += count if position < 0 and prefix >= found.prefix else 0
    if not 0 <= position < count:
        return False
    return f"{found.show(found.first + (position << found.width - prefix))}/{prefix}"


def _place_in(found: Address, query: str) -> str:
    """Which of the equal parts of an outer network this one is, from 1."""
    outer = read(query)
    if outer is None:
        raise PluginError(f"You must pass a valid subnet or IP address; {query} is invalid")
    if not outer.holds(found):
        raise PluginError(f"{found.subnet} is not in the subnet {outer.subnet}")
    return str((found.first - outer.first) // found.size + 1)


def _around(found: Address, prefix: int, index: int) -> str | bool:
    """Of the networks around an address, widest first from `prefix` on, the one at `index`."""
    if index > found.width + 1 - index or index < prefix - found.width:
        return False
    chosen = (prefix if index >= 0 else found.width) + index
    if chosen >= found.width:
        raise PluginError("list index out of range")
    return Address(found.number, chosen, found.version, True, "").subnet


def ipmath(value: Any, amount: Any) -> str:
    found = read(value) if "/" in str(value) and not str(value).partition("/")[0].isdecimal() else single(value)
    if found is None:
        raise PluginError(f"You must pass a valid IP address; {value} is invalid")
    number = found.number + integer(amount, "amount")
    if not 0 <= number < 1 << found.width:
        raise PluginError("result outside valid IP address boundary!")
    return found.show(number)


def nthhost(value: Any, query: Any = "") -> Any:
    found = read(str(value))
    if found is None or not re.fullmatch(r"[-+]?[0-9]+", str(query)):
        return False
    index = int(query)
    if index < -found.size:
        raise PluginError("index out range for address range size!")
    number = _nth(found, index)
    return False if number is None else found.show(number)


def _nth_usable(value: Any, offset: Any, sign: int) -> str | bool | None:
    by, found = sign * integer(offset, "offset"), read(str(value))
    return False if found is None else _step(found, by)


def _span(a: Address) -> tuple[int, int]:
    """First and last number; of a network of two, as ansible.utils counts, only the first."""
    return a.first, a.last if a.size > 2 else a.first


def _within(inner: Any, first: int, last: int, version: int) -> bool:
    found = read(str(inner))
    return found is not None and found.version == version and first <= _span(found)[0] and _span(found)[1] <= last


def network_in_network(value: Any, test: Any) -> bool:
    outer = read(str(value))
    return outer is not None and _within(test, *_span(outer), outer.version)


def network_in_usable(value: Any, test: Any) -> bool:
    outer = read(str(value))
    return outer is not None and _within(test, *outer.usable, outer.version)


def reduce_on_network(value: Any, network: Any) -> list[Any]:
    return [item for item in _list(value) if network_in_network(network, item)]


def _list(value: Any) -> list[Any]:
    return value.split(",") if isinstance(value, str) else list(value)


def cidr_merge(value: Any, action: str = "merge") -> Any:
    if action not in ("merge", "span"):
        raise PluginError(f"cidr_merge: invalid action '{action}'")
    found = [_network(item) for item in _list(value)]
    if action == "merge":
        by_version = [[ipaddress.ip_network(a.subnet) for a in found if a.version == version] for version in (4, 6)]
        return [str(net) for nets in by_version for net in ipaddress.collapse_addresses(nets)]  # type: ignore[type-var]
    if len(found) < 2:
        return found[0].with_prefix if found else None
    if len({a.version for a in found}) > 1:
        raise PluginError("cidr_merge: error in netaddr:\nIP sequence cannot contain both IPv4 and IPv6!")
    first, last = min(a.first for a in found), max(a.last for a in found)
    return Address(first, found[0].width - (first ^ last).bit_length(), found[0].version, True, "").subnet


def _network(item: Any) -> Address:
    found = read(str(item)) if not str(item).partition("/")[0].isdecimal() else None
    if found is None:
        raise PluginError(f"cidr_merge: error in netaddr:\ninvalid IPNetwork {item}")
    return found


def ip4_hex(arg: Any, delimiter: str = "") -> str:
    found = single(arg)
    if found.version != 4:
        raise PluginError(f"You must pass a valid IP address; {arg} is invalid")
    return delimiter.join(f"{byte:02x}" for byte in found.number.to_bytes(4, "big"))


def ipcut(value: Any, amount: Any) -> str:
    """The first bits of an address, or with a negative amount the last, in the groups of its version."""
    found, count = single(value), integer(amount, "amount")
    bits = f"{found.number:0{found.width}b}"
    kept = bits[count:] if count < 0 else bits[:count]
    group, form, mark = (8, "d", ".") if found.version == 4 else (16, "x", ":")
    return mark.join(format(int(kept[i : i + group], 2), form) for i in range(0, len(kept), group))


def ipv6form(value: Any, format: Any = None) -> str:
    if format not in ("compress", "expand", "x509"):
        raise PluginError(f"You must pass valid format; {format} is not a valid format")
    if str(value).partition("/")[1] or (format == "x509" and single(value).version != 6):
        raise PluginError(f"You must pass a valid IP address; {value} is invalid")
    found = ipaddress.ip_address(single(value).text)
    if format == "x509":
        return ":".join(f"{int(group, 16):x}" for group in found.exploded.split(":"))
    return found.exploded if format == "expand" else found.compressed


def usable_range(ip: Any) -> dict[str, Any]:
    """All addresses of a network, its first and last too, as there. Raises PluginError past 65536."""
    try:
        net = ipaddress.ip_network(str(ip))
    except ValueError as e:
        raise PluginError(f"Error while using plugin 'usable_range': {e}") from e
    if net.num_addresses > _MAX_LISTED:
        raise PluginError(f"{ip} has {net.num_addresses} addresses; at most {_MAX_LISTED} are listed")
    return {"usable_ips": [str(host) for host in net], "number_of_ips": net.num_addresses}


FILTERS: dict[str, Callable[..., Any]] = {
    "ipaddr": ipaddr,
    "ipv4": lambda value, query="": ipaddr(value, query, 4, "ipv4"),
    "ipv6": lambda value, query="": ipaddr(value, query, 6, "ipv6"),
    "ipwrap": ipwrap,
    "ipsubnet": ipsubnet,
    "ipmath": ipmath,
    "nthhost": nthhost,
    "next_nth_usable": lambda value, offset: _nth_usable(value, offset, 1),
    "previous_nth_usable": lambda value, offset: _nth_usable(value, offset, -1),
    "network_in_network": network_in_network,
    "network_in_usable": network_in_usable,
    "cidr_merge": cidr_merge,
    "reduce_on_network": reduce_on_network,
    "ip4_hex": ip4_hex,
    "ipcut": ipcut,
    "ipv6form": ipv6form,
    "usable_range": usable_range,
}

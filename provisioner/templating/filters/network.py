"""The ipaddr family: reads addresses and networks, answers queries about them, counts through them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from provisioner.templating.errors import PluginError

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _interface(value: Any) -> Interface | None:
    try:
        if isinstance(value, bool) or value in (None, ""):
            return None
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        return ipaddress.ip_interface(value)
    except ValueError:
        return None


def _has_prefix(value: Any) -> bool:
    return isinstance(value, str) and "/" in value


def _is_host(found: Interface, value: Any) -> bool:
    return not _has_prefix(value) or found.ip != found.network.network_address or found.network.prefixlen == found.max_prefixlen


def _usable(network: Network) -> tuple[int, int]:
    """First and last index of addresses that hosts may have."""
    count = network.num_addresses
    return (0, count - 1) if count <= 2 else (1, count - 2)


def _simple_queries() -> dict[str, Callable[[Interface, Any], Any]]:
    return {
        "address": lambda i, v: str(i.ip) if _is_host(i, v) else None,
        "ip": lambda i, v: str(i.ip) if _is_host(i, v) else None,
        "host": lambda i, v: str(i) if _is_host(i, v) else None,
        "address/prefix": lambda i, v: str(i) if _is_host(i, v) else None,
        "ip/prefix": lambda i, v: str(i) if _is_host(i, v) else None,
        "host/prefix": lambda i, v: str(i) if _is_host(i, v) else None,
        "gateway": lambda i, v: str(i),
        "gw": lambda i, v: str(i),
        "network": lambda i, v: str(i.network.network_address),
        "network_id": lambda i, v: str(i.network.network_address),
        "subnet": lambda i, v: str(i.network),
        "net": lambda i, v: str(i) if _has_prefix(v) and i.ip == i.network.network_address else None,
        "network/prefix": lambda i, v: str(i.network),
        "prefix": lambda i, v: i.network.prefixlen,
        "netmask": lambda i, v: str(i.netmask),
        "hostmask": lambda i, v: str(i.hostmask),
        "wildcard": lambda i, v: str(i.hostmask),
        "broadcast": lambda i, v: str(i.network.broadcast_address) if i.network.num_addresses > 2 else None,
        "size": lambda i, v: i.network.num_addresses,
        "size_usable": lambda i, v: _usable(i.network)[1] - _usable(i.network)[0] + 1,
        "range_usable": lambda i, v: "-".join(str(i.network[n]) for n in _usable(i.network)),
        "first_usable": lambda i, v: str(i.network[_usable(i.network)[0]]),
        "last_usable": lambda i, v: str(i.network[_usable(i.network)[1]]),
        "next_usable": lambda i, v: _step(i, 1),
        "previous_usable": lambda i, v: _step(i, -1),
        "peer": lambda i, v: _peer(i),
        "version": lambda i, v: i.version,
        "type": lambda i, v: "address" if _is_host(i, v) else "network",
        "int": lambda i, v: int(i.ip) if not _has_prefix(v) else f"{int(i.ip)}/{i.network.prefixlen}",
        "revdns": lambda i, v: i.ip.reverse_pointer + ".",
        "private": lambda i, v: v if i.ip.is_private else None,
        "public": lambda i, v: v if i.ip.is_global and not i.ip.is_multicast else None,
        "loopback": lambda i, v: v if i.ip.is_loopback else None,
        "lo": lambda i, v: v if i.ip.is_loopback else None,
        "multicast": lambda i, v: v if i.ip.is_multicast else None,
        "unicast": lambda i, v: v if not i.ip.is_multicast else None,
        "link-local": lambda i, v: v if i.ip.is_link_local else None,
        "ipv4": lambda i, v: v if i.version == 4 else None,
        "ipv6": lambda i, v: v if i.version == 6 else None,
        "6to4": lambda i, v: f"2002:{int(i.ip) >> 16:x}:{int(i.ip) & 0xFFFF:x}::1/48" if i.version == 4 else None,
        "wrap": lambda i, v: _wrap(v),
        "bool": lambda i, v: True,
    }


def _step(found: Interface, by: int) -> str | None:
    index = int(found.ip) - int(found.network.network_address) + by
    first, last = _usable(found.network)
    return str(found.network[index]) if first <= index <= last else None


def _peer(found: Interface) -> str | None:
    network = found.network
    if network.num_addresses == 2:
        return str(network[1 - (int(found.ip) & 1)])
    if network.num_addresses == 4:
        index = int(found.ip) - int(network.network_address)
        return str(network[3 - index]) if index in (1, 2) else None
    raise PluginError("Not a point-to-point network")


def _wrap(value: Any) -> Any:
    found = _interface(value)
    if found is None or found.version == 4:
        return value
    address, slash, prefix = str(value).partition("/")
    return f"[{address}]{slash}{prefix}"


_QUERIES = _simple_queries()


def ipaddr(value: Any, query: Any = "", version: int | None = None, alias: str = "ipaddr") -> Any:
    """Ansible's ipaddr: False where a value is no address or does not answer the query; lists are filtered."""
    if isinstance(value, list | tuple):
        found = [ipaddr(item, query, version, alias) for item in value]
        return [item for item in found if item not in (False, None)]
    interface = _interface(value)
    if interface is None or (version and interface.version != version):
        return False
    if query in ("", None):
        return value if isinstance(value, str) and not value.isdigit() else str(interface.ip)
    text = str(query)
    if re.fullmatch(r"-?[0-9]+", text):
        return _indexed(interface, int(text))
    if text in _QUERIES:
        answer = _QUERIES[text](interface, value)
        return False if answer is None else answer
    try:
        outer = ipaddress.ip_network(text)
    except ValueError as e:
        raise PluginError(f"{alias}: unknown filter type: {query}") from e
    return value if interface.version == outer.version and interface.ip in outer else False


def _indexed(found: Interface, index: int) -> Any:
    network = found.network
    if not -network.num_addresses <= index < network.num_addresses:
        return False
    return f"{network[index]}/{network.prefixlen}"


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    found = _interface(value)
    if found is None:
        return False
    network = found.network
    if query == "":
        return str(network)
    if not str(query).isdigit():
        outer = _interface(query)
        if outer is None or not network.subnet_of(outer.network):  # type: ignore[arg-type]
            return False
        return str((int(network.network_address) - int(outer.network.network_address)) // network.num_addresses + 1)
    prefix = int(query)
    if index is None:
        if _is_host(found, value):
            return str(found.network.supernet(new_prefix=prefix)) if prefix <= network.prefixlen else False
        return str(2 ** (prefix - network.prefixlen)) if prefix >= network.prefixlen else False
    if prefix < network.prefixlen:
        return str(network.supernet(new_prefix=prefix))
    count = 2 ** (prefix - network.prefixlen)
    position = int(index) if int(index) >= 0 else count + int(index)
    if not 0 <= position < count:
        return False
    start = int(network.network_address) + position * 2 ** (network.max_prefixlen - prefix)
    return f"{type(network.network_address)(start)}/{prefix}"


def ipmath(value: Any, amount: int) -> str:
    found = _interface(value)
    if found is None:
        raise PluginError(f"You must pass a valid IP address; {value} is invalid")
    return str(found.ip + int(amount))


def nthhost(value: Any, query: Any = "") -> Any:
    found = _interface(value)
    try:
        return str(found.network[int(query)]) if found else False
    except (ValueError, IndexError):
        return False


def _next(value: Any, offset: int) -> Any:
    found = _interface(value)
    return (_step(found, int(offset)) or False) if found else False


def network_in_network(value: Any, test: Any) -> bool:
    outer, inner = _interface(value), _interface(test)
    return bool(outer and inner and outer.version == inner.version and inner.network.subnet_of(outer.network))  # type: ignore[arg-type]


def network_in_usable(value: Any, test: Any) -> bool:
    outer, inner = _interface(value), _interface(test)
    if outer is None or inner is None or outer.version != inner.version:
        return False
    first, last = _usable(outer.network)
    return outer.network[first] <= inner.network.network_address and inner.network.broadcast_address <= outer.network[last]  # type: ignore[operator]


def cidr_merge(value: Iterable[Any], action: str = "merge") -> Any:
    networks = [found.network for item in value if (found := _interface(item))]
    if action == "merge":
        return [str(n) for n in ipaddress.collapse_addresses(networks)]  # type: ignore[type-var]
    if action != "span":
        raise PluginError(f"cidr_merge: invalid action {action!r}")
    first, last = min(n.network_address for n in networks), max(n.broadcast_address for n in networks)
    wide = ipaddress.ip_network(first)
    while last not in wide:
        wide = wide.supernet()
    return str(wide)


def reduce_on_network(value: Any, network: str) -> list[Any]:
    return [item for item in value if ipaddr(item, network)]


def hwaddr(value: Any, query: str = "", alias: str = "hwaddr") -> Any:
    digits = re.sub(r"[^0-9a-fA-F]", "", str(value)).lower()
    if len(digits) != 12 or not re.fullmatch(r"[0-9a-fA-F:.\-]+", str(value)):
        return False
    pairs = [digits[i : i + 2] for i in range(0, 12, 2)]
    words = [digits[i : i + 4] for i in range(0, 12, 4)]
    forms = {
        "": value,
        "bool": True,
        "linux": ":".join(pairs),
        "unix": ":".join(pairs),
        "eui48": "-".join(pairs).upper(),
        "win": "-".join(pairs).upper(),
        "cisco": ".".join(words),
        "bare": digits.upper(),
        "pgsql": digits[:6] + ":" + digits[6:],
        "psql": digits[:6] + ":" + digits[6:],
        "int": int(digits, 16),
    }
    if query not in forms:
        raise PluginError(f"{alias}: unknown filter type: {query}")
    return forms[query]


FILTERS: dict[str, Callable[..., Any]] = {
    "ipaddr": ipaddr,
    "ipv4": lambda value, query="": ipaddr(value, query, 4, "ipv4"),
    "ipv6": lambda value, query="": ipaddr(value, query, 6, "ipv6"),
    "ipwrap": lambda value, query="": [_wrap(v) for v in value] if isinstance(value, list) else _wrap(value),
    "ipsubnet": ipsubnet,
    "ipmath": ipmath,
    "nthhost": nthhost,
    "next_nth_usable": _next,
    "previous_nth_usable": lambda value, offset: _next(value, -int(offset)),
    "network_in_network": network_in_network,
    "network_in_usable": network_in_usable,
    "cidr_merge": cidr_merge,
    "reduce_on_network": reduce_on_network,
    "hwaddr": hwaddr,
    "macaddr": lambda value, query="": hwaddr(value, query, "macaddr"),
    "ip4_hex": lambda value, delimiter="": delimiter.join(f"{int(part):02x}" for part in str(value).split(".")),
}

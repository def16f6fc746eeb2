"""Host patterns: `web*`, `a:&b:!c`, `~regex`, `group[0]`, `group[1:3]`, comma or colon separated."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.inventory.model import Host, Inventory

_SUBSCRIPT = re.compile(r"^(.+)\[(-?[0-9]+)(?:([:-])([0-9]*))?\]$")
# A colon parts patterns, except inside brackets and in IPv6 addresses.
_PIECE = re.compile(r"(?:[^\s:\[\]]|(?:\[[^\]]*\]))+")


class PatternError(ValueError):
    """A host pattern that cannot be read."""


def split(pattern: str | Sequence[str]) -> list[str]:
    """The single patterns in one text or list of texts. In a text with commas a colon parts nothing."""
    if not isinstance(pattern, str):
        return [piece for entry in pattern for piece in split(str(entry))]
    if "," in pattern:
        return [entry.strip() for entry in pattern.split(",") if entry.strip()]
    if pattern.startswith("~") or pattern.lstrip("!&").startswith("~"):
        return [pattern]
    if pattern.count(":") > 1 and _is_address(pattern.lstrip("!&")):
        return [pattern]
    return _PIECE.findall(pattern)


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def evaluate(pattern: str | Sequence[str], inventory: Inventory) -> list[Host]:
    """The hosts of a pattern in inventory order: unions first, then intersections, then exclusions, whatever their order.

    None for a list without a pattern: what a template made of a group that is empty or not there.
    """
    pieces = split(pattern)
    if not pieces:
        return []
    union = [piece for piece in pieces if not piece.startswith(("!", "&"))]
    if not union:
        union = ["all"]
    hosts: dict[str, Host] = {}
    for piece in union:
        hosts.update((host.name, host) for host in _single(piece, inventory))
    for piece in pieces:
        if piece.startswith("&"):
            keep = {host.name for host in _single(piece[1:], inventory)}
            hosts = {name: host for name, host in hosts.items() if name in keep}
    for piece in pieces:
        if piece.startswith("!"):
            for host in _single(piece[1:], inventory):
                hosts.pop(host.name, None)
    return list(hosts.values())


def unmatched(pattern: str | Sequence[str], inventory: Inventory) -> list[str]:
    """The single patterns that name no host and no group, be it an empty one."""
    names = dict.fromkeys(piece.lstrip("!&") for piece in split(pattern))
    return [name for name in names if not _single(name, inventory) and not _select(inventory.groups, name, _matcher(name))]


def _single(piece: str, inventory: Inventory) -> list[Host]:
    if piece in inventory.groups or piece in inventory.hosts:
        return _named(piece, inventory)
    found = None if piece.startswith("~") else _SUBSCRIPT.match(piece)
    if found is None:
        return _named(piece, inventory)
    hosts = _named(found.group(1), inventory)
    first = int(found.group(2))
    if found.group(3) is None:
        return hosts[first : first + 1 or None]
    last = int(found.group(4)) if found.group(4) else len(hosts) - 1
    return hosts[first : last + 1]


def _named(name: str, inventory: Inventory) -> list[Host]:
    matches = _matcher(name)
    hosts: dict[str, Host] = {}
    for group in _select(inventory.groups, name, matches):
        for host in inventory.hosts_of(group):
            hosts[host.name] = host
    for host_name in _select(inventory.hosts, name, matches):
        hosts.setdefault(host_name, inventory.hosts[host_name])
    if not hosts and name in ("localhost", "127.0.0.1", "::1"):
        return [inventory.implicit_localhost(name)]
    return list(hosts.values())


def _select(names: Iterable[str], name: str, matches: Callable[[str], bool] | None) -> list[str]:
    if matches is None:
        return [name] if name in names else []
    return [candidate for candidate in names if matches(candidate)]


def _matcher(name: str) -> Callable[[str], bool] | None:
    """None when the name holds no wildcard and is looked up as it is."""
    if name.startswith("~"):
        try:
            regex = re.compile(name[1:])
        except re.error as e:
            raise PatternError(f"host pattern {name!r} is not a regular expression: {e}") from e
        return lambda candidate: regex.match(candidate) is not None
    if any(char in name for char in "*?["):
        return lambda candidate: fnmatch.fnmatchcase(candidate, name)
    return None

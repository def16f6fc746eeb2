"""Asks the kernel for links, addresses and routes over rtnetlink (rtnetlink(7)), so that no program need be there."""

import os
import socket
import struct
from typing import Any, Dict, Iterator, List, Optional, Tuple

_ROUTE = 0  # NETLINK_ROUTE
_REQUEST, _DUMP = 1, 0x300
_DONE, _ERROR = 3, 2
_GET_ADDRESS, _GET_ROUTE = 22, 26
_TIMEOUT_S = 5.0
_HEADER = struct.Struct("=IHHII")
LOCAL_TABLE, LOCAL_ROUTE = 255, 2
Attributes = Dict[int, bytes]


def addresses() -> List[Dict[str, Any]]:
    """All addresses: family (4 or 6), interface, label, address, prefix, broadcast, scope (a number)."""
    found = []
    names = dict(socket.if_nameindex())
    for body in _ask(_GET_ADDRESS, struct.pack("=BBBBI", socket.AF_UNSPEC, 0, 0, 0, 0), dump=True):
        family, prefix, _, scope, index = struct.unpack_from("=BBBBI", body)
        if family not in (socket.AF_INET, socket.AF_INET6):
            continue
        given = _attributes(body, 8)
        raw = given.get(2) or given.get(1)
        if raw is None:
            continue
        found.append(
            {
                "family": 4 if family == socket.AF_INET else 6,
                "interface": names.get(index, str(index)),
                "label": given.get(3, b"").rstrip(b"\0").decode("utf-8", "replace") or names.get(index, str(index)),
                "address": socket.inet_ntop(family, raw),
                "prefix": prefix,
                "broadcast": socket.inet_ntop(family, given[4]) if 4 in given else "",
                "scope": scope,
            }
        )
    return found


def route_to(address: str) -> Optional[Dict[str, str]]:
    """How the kernel would reach an address: interface, gateway and source; None where it can't."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    attribute = struct.pack("=HH", 4 + len(packed), 1) + packed
    body = struct.pack("=BBBBBBBBI", family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0) + attribute
    names = dict(socket.if_nameindex())
    for answer in _ask(_GET_ROUTE, body, dump=False):
        given = _attributes(answer, 12)
        if 4 not in given:
            return None
        found = {"interface": names.get(struct.unpack("=I", given[4])[0], "")}
        if 5 in given:
            found["gateway"] = socket.inet_ntop(family, given[5])
        if 7 in given:
            found["address"] = socket.inet_ntop(family, given[7])
        return found
    return None


def local_networks() -> List[Tuple[int, str]]:
    """(4 or 6, address or network) that the host answers to itself."""
    found = []
    for body in _ask(_GET_ROUTE, struct.pack("=BBBBBBBBI", socket.AF_UNSPEC, 0, 0, 0, 0, 0, 0, 0, 0), dump=True):
        family, length, _, _, table, _, _, kind, _ = struct.unpack_from("=BBBBBBBBI", body)
        given = _attributes(body, 12)
        if table != LOCAL_TABLE or kind != LOCAL_ROUTE or 1 not in given or family not in (socket.AF_INET, socket.AF_INET6):
            continue
        whole = 32 if family == socket.AF_INET else 128
        text = socket.inet_ntop(family, given[1])
        found.append((4 if family == socket.AF_INET else 6, text if length == whole else "%s/%d" % (text, length)))
    return found


def _ask(kind: int, body: bytes, dump: bool) -> Iterator[bytes]:
    """Bodies of the kernel's answers; nothing where it refuses."""
    try:
        channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _ROUTE)
    except OSError:
        return
    try:
        channel.settimeout(_TIMEOUT_S)
        channel.bind((0, 0))
        flags = _REQUEST | (_DUMP if dump else 0)
        channel.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body)
        while True:
            data = channel.recv(1 << 17)
            at = 0
            while at + _HEADER.size <= len(data):
                size, what, _, _, _ = _HEADER.unpack_from(data, at)
                if what in (_DONE, _ERROR) or size < _HEADER.size:
                    return
                yield data[at + _HEADER.size : at + size]
                at += (size + 3) & ~3
            if not dump:
                return
    except OSError:
        return
    finally:
        channel.close()


def _attributes(body: bytes, start: int) -> Attributes:
    found: Attributes = {}
    at = start
    while at + 4 <= len(body):
        size, kind = struct.unpack_from("=HH", body, at)
        if size < 4:
            break
        found[kind] = body[at + 4 : at + size]
        at += (size + 3) & ~3
    return found


def has_ipv6() -> bool:
    return os.path.isdir("/proc/sys/net/ipv6") and socket.has_ipv6

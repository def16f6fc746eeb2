"""Writes a small ISO 9660 file system with Joliet names: one folder of files, as cloud-init's NoCloud wants its seed.

ECMA-119 for the layout; Joliet adds a second tree whose names are UTF-16 and keep their case. Sizes and places are in sectors of 2048 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

SECTOR = 2048
# Sectors: 16 system ones, three volume descriptors, four path tables, two folders, then the files.
DESCRIPTORS, TABLES, FOLDERS, FILES = 16, 19, 23, 25
# 1980-01-01: the same input gives the same bytes.
DATE = bytes((80, 1, 1, 0, 0, 0, 0))
LONG_DATE = b"1980010100000000\0"


def image(files: Mapping[str, bytes], label: str) -> bytes:
    """The bytes of a file system that holds `files` in its root folder. ValueError when there are too many for one sector of names."""
    places: dict[str, tuple[int, int]] = {}
    sector, body = FILES, bytearray()
    for name, data in files.items():
        places[name] = (sector, len(data))
        body += _padded(data)
        sector = FILES + len(body) // SECTOR
    plain = {f"F{number:07d}.;1".encode("ascii"): places[name] for number, name in enumerate(files)}
    joliet = {name.encode("utf-16-be"): places[name] for name in files}
    head = bytearray(DESCRIPTORS * SECTOR)
    head += _descriptor(1, label.encode("ascii"), sector, TABLES, FOLDERS, b"")
    head += _descriptor(2, label.encode("utf-16-be"), sector, TABLES + 2, FOLDERS + 1, b"%/E")
    head += _padded(b"\xffCD001\x01")
    for folder in (FOLDERS, FOLDERS + 1):
        head += _padded(struct.pack("<BBIHBB", 1, 0, folder, 1, 0, 0))
        head += _padded(struct.pack(">BBIHBB", 1, 0, folder, 1, 0, 0))
    head += _folder(FOLDERS, plain) + _folder(FOLDERS + 1, joliet)
    return bytes(head + body)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % SECTOR)


def _both(value: int, size: str = "I") -> bytes:
    """A number in both byte orders, little first."""
    return struct.pack(f"<{size}", value) + struct.pack(f">{size}", value)


def _record(name: bytes, place: int, size: int, *, folder: bool = False) -> bytes:
    pad = b"" if len(name) % 2 else b"\0"
    body = b"\0" + _both(place) + _both(size) + DATE + bytes((2 if folder else 0, 0, 0)) + _both(1, "H") + bytes((len(name),)) + name + pad
    return bytes((len(body) + 1,)) + body


def _folder(place: int, entries: Mapping[bytes, tuple[int, int]]) -> bytes:
    records = _record(b"\0", place, SECTOR, folder=True) + _record(b"\1", place, SECTOR, folder=True)
    records += b"".join(_record(name, *entries[name]) for name in sorted(entries))
    if len(records) > SECTOR:
        raise ValueError(f"{len(entries)} files do not fit into one folder's sector")
    return _padded(records)


def _descriptor(kind: int, label: bytes, sectors: int, tables: int, folder: int, escape: bytes) -> bytes:
    space = b"\0 " if kind == 2 else b" "

    def text(value: bytes, size: int) -> bytes:
        return (value + space * size)[:size]

    return _padded(
        bytes((kind,))
        + b"CD001\x01\0"
        + text(b"", 32)
        + text(label, 32)
        + bytes(8)
        + _both(sectors)
        + escape.ljust(32, b"\0")
        + _both(1, "H")
        + _both(1, "H")
        + _both(SECTOR, "H")
        + _both(10)
        + struct.pack("<II", tables, 0)
        + struct.pack(">II", tables + 1, 0)
        + _record(b"\0", folder, SECTOR, folder=True)
        + text(b"", 623)
        + LONG_DATE * 2
        + (b"0" * 16 + b"\0") * 2
        + b"\x01"
    )

"""resourceVersions: a number for each write, made of etcd's revision and the write's place in its group. Pure.

Writes of one group share a revision, so a place is kept in front of the stored value; values without one are in place 0. JSON begins
with `{`, a place never does.
"""

from __future__ import annotations

# Nested transactions in one; etcd's default limit of operations is 128, and each costs two (put, or read of what stands in the way).
GROUP = 48
PLACES = 64


def version_of(revision: int, place: int) -> int:
    return revision * PLACES + place


def revision_of(version: int) -> int:
    return version // PLACES


def last_of(revision: int) -> int:
    """The highest version that a revision can have: what a list at that revision is as of."""
    return revision * PLACES + PLACES - 1


def pack(body: bytes, place: int) -> bytes:
    return body if place == 0 else bytes([place]) + body


def unpack(value: bytes) -> tuple[bytes, int]:
    """(JSON, place) of a stored value."""
    return (value, 0) if value[:1] == b"{" else (value[1:], value[0])

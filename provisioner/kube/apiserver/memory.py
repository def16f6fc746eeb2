"""How the process keeps its memory small: what the allocator holds on to, and what the garbage collector need not look at again."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

from provisioner.kube.client.clock import Clock

# mallopt's parameters (malloc.h).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Buffers of connections (256 KB, mostly untouched) stay mappings of their own: without a fixed threshold the allocator moves it above them
# after the first is freed, and they end in the heap, where every page that was ever touched stays.
_MMAP_BYTES = 128 * 1024
_DONTNEED = 4  # of madvise
_MAPS = Path("/proc/self/maps")
# Few threads allocate: gRPC's poller and those that compress.
_ARENAS = 2
# Giving back takes about a millisecond.
TRIM_S = 60.0
# Requests make few cycles: looking for them after every 700 objects, as by default, costs each request some microseconds.
_YOUNG, _MIDDLE, _OLD = 10_000, 10, 50


def tune() -> None:
    """Once, at the start. Where there is no glibc, the allocator's own ways are kept."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_TRIM_THRESHOLD, _MMAP_BYTES)
        mallopt(_ARENA_MAX, _ARENAS)
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


def settle() -> None:
    """When the server has started: what is there now stays, and what starting took is given back."""
    gc.collect()
    gc.freeze()
    _trim()


async def keep(clock: Clock) -> None:
    """For the server's life: what a burst of requests took is given back a while after it."""
    while True:
        await clock.sleep(TRIM_S)
        _trim()


def _trim() -> None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    _leave_code()


def _leave_code() -> None:
    """Libraries' code is no longer resident: what runs again comes back from the page cache, 16 pages a fault, and what only starting ran
    does not. Only mappings that are executed and never written are left, so that nothing is lost (madvise(2), MADV_DONTNEED)."""
    madvise = getattr(ctypes.CDLL(None), "madvise", None)
    if madvise is None or not _MAPS.exists():
        return
    for line in _MAPS.read_text().splitlines():
        place, rights, _, _, _, *path = line.split(maxsplit=5)
        if rights == "r-xp" and path and path[0].startswith("/"):
            first, last = (int(end, 16) for end in place.split("-"))
            madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _DONTNEED)

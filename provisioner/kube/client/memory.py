"""How the process keeps its memory small: what the allocator holds on to, and what the garbage collector need not look at again."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import Iterator
from pathlib import Path

from provisioner.kube.client.clock import Clock

# mallopt's parameters (malloc.h).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Buffers of connections (256 KB, mostly untouched) stay mappings of their own: without a fixed threshold the allocator moves it above them
# after the first is freed, and they end in the heap, where every page that was ever touched stays.
_MMAP_BYTES = 128 * 1024
_DONTNEED = 4  # of madvise
_MAPPINGS = Path("/proc/self/smaps")
# Few threads allocate: gRPC's poller and those that compress.
_ARENAS = 2
# Giving back takes about a millisecond.
TRIM_S = 60.0
# Requests make few cycles: looking for them after every 700 objects, as by default, costs each request some microseconds.
_YOUNG, _MIDDLE, _OLD = 10_000, 10, 50


def tune() -> None:
    """Once, at the start of a server of many connections. Where there is no glibc, the allocator's own ways are kept."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_TRIM_THRESHOLD, _MMAP_BYTES)
        mallopt(_ARENA_MAX, _ARENAS)
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


def settle() -> None:
    """When a daemon has started: what is there now stays, and what starting took is given back."""
    gc.collect()
    gc.freeze()
    _trim()
    _leave_code()


async def keep(clock: Clock) -> None:
    """For the daemon's life: what a burst of work took is given back a while after it, and what refers to itself with it: between bursts the
    collector of such would not look at what is old for hours."""
    while True:
        await clock.sleep(TRIM_S)
        gc.collect()
        _trim()
        # Looking at what is mapped takes tens of milliseconds, outside the interpreter's lock.
        await asyncio.to_thread(_leave_code)


def _trim() -> None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _leave_code() -> None:
    """Libraries' code and constants are no longer resident: what is used again comes back from the page cache, 16 pages a fault, and what only
    starting used does not. Left are mappings of files that can't be written and hold no page of our own (relocated ones do), so that nothing is
    lost (madvise(2), MADV_DONTNEED; proc(5), smaps)."""
    madvise = getattr(ctypes.CDLL(None), "madvise", None)
    if madvise is None or not _MAPPINGS.exists():
        return
    for first, last in unchanged(_MAPPINGS.read_text()):
        madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _DONTNEED)


def unchanged(smaps: str) -> Iterator[tuple[int, int]]:
    """(first, after the last) address of each mapping that is as its file is, and stays so."""
    place = ""
    for line in smaps.splitlines():
        name, *rest = line.split(maxsplit=5)
        if not name.endswith(":"):
            is_file = len(rest) == 5 and rest[4].startswith("/") and "w" not in rest[0] and rest[0].endswith("p")
            place = name if is_file else ""
        elif place and name == "Anonymous:" and rest[0] == "0":
            first, last = place.split("-")
            yield int(first, 16), int(last, 16)

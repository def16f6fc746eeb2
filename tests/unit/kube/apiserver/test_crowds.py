"""Proves that members of a crowd get every change once and in order, as one chunk a moment, whoever comes, leaves or reads slowly."""

from __future__ import annotations

import asyncio

import pytest

from provisioner.kube.apiserver.crowds import BACKLOG_BYTES, Crowd
from provisioner.kube.storage.cache import Collection, Entry, Watcher


class Wire:
    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.backlog = 0

    def write(self, data: bytes) -> None:
        self.chunks.append(data)

    def get_write_buffer_size(self) -> int:
        return self.backlog

    def is_closing(self) -> bool:
        return False


class Place:
    """A collection with a crowd, and watchers in it."""

    def __init__(self) -> None:
        self.collection, self.ended = Collection(), 0
        self.crowd = Crowd(self.collection, "a/", lambda change: b"%d;" % change.version, self._left)
        self.version = 0

    def _left(self) -> None:
        self.ended += 1

    def change(self, key: str = "a/x") -> None:
        self.version += 1
        self.collection.apply(key, Entry(key, self.version, b"{}", {}, {}), self.version)

    def come(self, timeout_s: float = 60) -> tuple[Watcher, Wire, asyncio.Task[list[int]]]:
        watcher, wire = Watcher(lambda change: change.key.startswith("a/")), Wire()
        self.collection.watchers.add(watcher)

        async def stay() -> list[int]:
            return [change.version for change in await self.crowd.stay(watcher, wire, timeout_s)]  # type: ignore[arg-type]

        return watcher, wire, asyncio.get_running_loop().create_task(stay())


async def turns(wire: Wire, count: int) -> None:
    async with asyncio.timeout(5):
        while len(wire.chunks) < count:
            await asyncio.sleep(0)


async def test_what_comes_in_one_moment_is_one_chunk_for_all() -> None:
    place = Place()
    (_, first, one), (_, second, other) = place.come(), place.come()
    await asyncio.sleep(0)
    place.change(), place.change("b/not ours"), place.change()
    await turns(first, 1)
    assert first.chunks == second.chunks == [b"4\r\n1;3;\r\n"]
    place.crowd.wake()
    assert await one == await other == []
    assert place.ended == 1 and place.crowd not in place.collection.watchers


async def test_who_comes_between_two_moments_sees_nothing_twice() -> None:
    place = Place()
    _, early, one = place.come()
    await asyncio.sleep(0)
    place.crowd._wrote_s = 60.0  # a moment is long
    place.change()
    _, late, other = place.come()
    await asyncio.sleep(0)
    place.change()
    place.crowd._flush()
    assert (early.chunks, late.chunks) == ([b"4\r\n1;2;\r\n"], [b"2\r\n2;\r\n"])
    place.crowd.wake()
    assert await one == await other == []


async def test_what_waits_already_is_told_before_one_is_in_the_crowd() -> None:
    place = Place()
    watcher, wire, staying = place.come()
    place.change()
    assert await staying == [1] and wire.chunks == [] and watcher in place.collection.watchers


async def test_who_is_cancelled_leaves() -> None:
    place = Place()
    watcher, _, staying = place.come()
    await asyncio.sleep(0)
    assert watcher not in place.collection.watchers
    staying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await staying
    assert place.collection.watchers == {watcher} and place.ended == 1


async def test_a_member_whose_time_is_over_is_told_what_was_not_written_yet() -> None:
    place = Place()
    _, wire, staying = place.come(timeout_s=0)
    place.crowd._wrote_s = 60.0  # a moment is long
    place.version = 10
    asyncio.get_running_loop().call_soon(place.change)
    assert await staying in ([], [11])
    assert wire.chunks == []


async def test_a_slow_member_gets_its_own_queue_and_the_others_go_on() -> None:
    place = Place()
    (slow, slow_wire, staying), (_, wire, other) = place.come(), place.come()
    await asyncio.sleep(0)
    slow_wire.backlog = BACKLOG_BYTES + 1
    place.change()
    await turns(wire, 1)
    place.change()
    assert slow.is_waiting
    assert await staying == [1, 2] and slow_wire.chunks == []
    await turns(wire, 2)
    place.crowd.wake()
    assert await other == []


async def test_at_the_stop_all_are_cut() -> None:
    place = Place()
    watcher, _, staying = place.come()
    await asyncio.sleep(0)
    place.crowd.cut = True
    place.crowd.wake()
    assert await staying == [] and watcher.cut

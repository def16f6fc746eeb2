"""Watchers who see the same: what comes within a moment is framed once and written to all of them, without waking their tasks.

A thousand watchers of one resource cost a write each for every moment in which something happened, however much that was. The moment is as
long as writing allows: a quarter of the time is spent on it at most, and no event waits longer than LONGEST_S.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from provisioner.kube.storage.cache import WATCHER_EVENTS, Change, Collection, Watcher

# From how many watchers on it is worth it (guess).
CROWD = 32
LONGEST_S = 0.1
# What may wait in the buffer of one connection; who reads more slowly has a queue of its own again, of references to what all share.
BACKLOG_BYTES = 256 * 1024


class Member:
    """A watcher's place in a crowd, while it has nothing to wait for but events."""

    __slots__ = ("_sent", "left", "missed", "transport", "watcher")

    def __init__(self, watcher: Watcher, transport: asyncio.WriteTransport, sent: int) -> None:
        self.watcher, self.transport = watcher, transport
        self.left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.missed: list[Change] = []
        # How many of the changes that the crowd holds it has seen.
        self._sent = sent

    def write(self, lines: list[bytes], whole: bytes) -> None:
        chunk = _chunk(lines[self._sent :]) if self._sent else whole
        self._sent = 0
        if chunk and not self.transport.is_closing():
            self.transport.write(chunk)

    def unseen(self, changes: list[Change]) -> list[Change]:
        return changes[self._sent :]


class Crowd(Watcher):
    """One watcher of the cache for all its members. `line` is how a change looks to each of them; `left` is told when the last has left."""

    def __init__(self, collection: Collection, prefix: str, line: Callable[[Change], bytes], left: Callable[[], object]) -> None:
        super().__init__(lambda change: change.key.startswith(prefix))
        self._collection, self._line, self._left = collection, line, left
        self._members: set[Member] = set()
        self._changes: list[Change] = []
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._wrote_s = 0.0

    async def stay(self, watcher: Watcher, transport: asyncio.WriteTransport, timeout_s: float) -> list[Change]:
        """What is still to be told, in order: at once if there is anything, otherwise after having been in the crowd until the time is over,
        or somebody wakes it, or its connection is slow."""
        if watcher.is_waiting or watcher.cut:
            return watcher.waiting()
        member = Member(watcher, transport, len(self._changes))
        if not self._members:
            self._collection.watchers.add(self)
        self._members.add(member)
        self._collection.watchers.discard(watcher)
        try:
            async with asyncio.timeout(timeout_s):
                await member.left
        except TimeoutError:
            pass
        finally:
            self._leave(member)
        return [*member.missed, *watcher.waiting()]

    def _leave(self, member: Member) -> None:
        """From now on its changes go into its own queue."""
        if member not in self._members:
            return
        self._members.discard(member)
        member.missed = member.unseen(self._changes)
        self._collection.watchers.add(member.watcher)
        if not self._members:
            self._collection.watchers.discard(self)
            self._forget()
            self._left()

    def push(self, change: Change) -> None:
        self._changes.append(change)
        self._lines.append(self._line(change))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(min(4 * self._wrote_s, LONGEST_S), self._flush)
        elif len(self._changes) >= WATCHER_EVENTS:
            self._flush()

    def wake(self) -> None:
        for member in self._members:
            if not member.left.done():
                member.watcher.cut = self.cut
                member.left.set_result(None)

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        began, lines, whole = loop.time(), self._lines, _chunk(self._lines)
        for member in list(self._members):
            if member.transport.get_write_buffer_size() > BACKLOG_BYTES:
                self._leave(member)
                if not member.left.done():
                    member.left.set_result(None)
            else:
                member.write(lines, whole)
        self._forget()
        self._wrote_s = loop.time() - began

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._changes, self._lines = [], []


def _chunk(lines: list[bytes]) -> bytes:
    """One chunk of a chunked body (RFC 9112, 7.1)."""
    body = b"".join(lines)
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""

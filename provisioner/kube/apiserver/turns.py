"""Writers of one object take turns in this server: whoever comes next sees what the one before has written, and no conflict."""

from __future__ import annotations

import asyncio


class Turn:
    """One object's writers, one of them at a time. `revision` is that of the last one's write, which the next must have seen."""

    __slots__ = ("_key", "_lock", "_turns", "_users", "revision")

    def __init__(self, turns: dict[str, Turn], key: str) -> None:
        self._turns, self._key, self._lock, self._users = turns, key, asyncio.Lock(), 0
        self.revision = 0

    async def __aenter__(self) -> Turn:
        self._users += 1
        try:
            await self._lock.acquire()
        except BaseException:
            self._left()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
        self._left()

    def _left(self) -> None:
        self._users -= 1
        if not self._users:
            del self._turns[self._key]


class Turns:
    """Only objects that somebody writes now are known."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def of(self, key: str) -> Turn:
        """To be entered at once."""
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = Turn(self._turns, key)
        return turn

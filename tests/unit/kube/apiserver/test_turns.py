"""Proves that one object's writers take turns and pass on what they have written, that others don't wait for them, and that nothing stays."""

from __future__ import annotations

import asyncio

from provisioner.kube.apiserver.turns import Turns


async def test_the_next_sees_what_the_one_before_wrote() -> None:
    turns, seen = Turns(), []

    async def write(number: int) -> None:
        async with turns.of("core/pods/a") as turn:
            seen.append((number, turn.revision))
            await asyncio.sleep(0)
            turn.revision = number

    await asyncio.gather(*(write(number) for number in (1, 2, 3)))
    assert seen == [(1, 0), (2, 1), (3, 2)] and len(turns) == 0


async def test_others_do_not_wait_and_who_gives_up_leaves_nothing() -> None:
    turns = Turns()
    async with turns.of("a"):
        async with turns.of("b"):
            assert len(turns) == 2
        waiting = asyncio.ensure_future(turns.of("a").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled() and len(turns) == 1
    assert len(turns) == 0

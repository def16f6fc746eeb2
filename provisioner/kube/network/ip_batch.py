"""Runs iproute2 in batches: one process for any number of commands, here or inside another network namespace.

A netlink library would save the 2 ms of a process and cost 20 MB in each daemon that loads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

TIMEOUT_S = 15.0


class NetworkError(Exception):
    """The kernel refused a change to addresses, links or routes; the message has the commands and its answer."""


async def run_command(argv: Sequence[str], stdin: str = "", *, ok_codes: tuple[int, ...] = (0,)) -> str:
    """Standard output of a command. Raises NetworkError for another exit code, or none in time."""
    # A pipe only for what is written: a command that ends before its empty input is closed would fail the write.
    source = asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*argv, stdin=source, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out, err = await process.communicate(stdin.encode() or None)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise NetworkError(f"{' '.join(argv)}: no answer in {TIMEOUT_S:.0f} s") from None
    if process.returncode not in ok_codes:
        raise NetworkError(f"{' '.join(argv)} <<< {stdin.strip()!r}: exit {process.returncode}: {err.decode(errors='replace').strip()}")
    return out.decode()


async def ip(commands: Sequence[str], *, netns_of_pid: int | None = None, force: bool = False) -> None:
    """Run iproute2 commands (without the leading `ip`) in order. `force` goes on after a failure and reports none."""
    if not commands:
        return
    enter = ["nsenter", "-t", str(netns_of_pid), "-n"] if netns_of_pid is not None else []
    argv = [*enter, "ip", *(["-force"] if force else []), "-batch", "-"]
    await run_command(argv, "".join(c + "\n" for c in commands), ok_codes=(0, 1, 2) if force else (0,))

"""One action on many machines at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from provisioner.machines.errors import MachineError

PARALLEL = 8
T = TypeVar("T")


def each(action: Callable[[T], None], items: Sequence[T]) -> None:
    """Act on all items in parallel; when some fail, the others still have their turn, and one error then tells of all."""
    if not items:
        return
    with ThreadPoolExecutor(max_workers=min(PARALLEL, len(items))) as pool:
        futures = [pool.submit(action, item) for item in items]
    problems = [error for future in futures if (error := future.exception())]
    for problem in problems:
        if not isinstance(problem, MachineError):
            raise problem
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise MachineError("\n".join(str(problem) for problem in problems)) from problems[0]

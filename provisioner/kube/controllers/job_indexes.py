"""Sets of completion indexes as a Job's fields write them: `1,3-5,7`. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def render(numbers: Iterable[int]) -> str:
    """`1,3-5,7` for 1, 3, 4, 5, 7; two in a row stand by themselves: `1,2`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join(("," if part[-1] == part[0] + 1 else "-").join(map(str, part)) for part in parts)


def parse(text: str | None, completions: int) -> frozenset[int]:
    """The indexes below `completions`; what is no number is left out, since only we write the field."""
    found: set[int] = set()
    for part in (text or "").split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            end = int(last) if last.isdigit() else int(first)
            found.update(range(int(first), min(end, completions - 1) + 1))
    return frozenset(i for i in found if i < completions)

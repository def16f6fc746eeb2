"""Host ranges in names: `web[01:20]`, `db-[a:f]`, `n[0:10:2]`, several in one name."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

_RANGE = re.compile(r"\[([0-9]+|[A-Za-z]):([0-9]+|[A-Za-z])(?::([0-9]+))?\]")
MAX_HOSTS = 100_000  # A guess: ten times the largest planned inventory; a typing mistake must not fill the memory.


def expand(name: str) -> Iterator[str]:
    """Every host name that `name` stands for. Raises ValueError with what is wrong with a range."""
    found = _RANGE.search(name)
    if found is None:
        if "[" in name and ":" in name.split("[", 1)[1]:
            raise ValueError(f"{name!r} is not a host range; write name[01:20] or name[a:f]")
        yield name
        return
    head, tail = name[: found.start()], name[found.end() :]
    for value in _values(found):
        for rest in expand(tail):
            yield head + value + rest


def _values(found: re.Match[str]) -> list[str]:
    first, last, step_text = found.groups()
    step = int(step_text or 1)
    if step < 1:
        raise ValueError(f"the step of range {found.group()} must be at least 1")
    if first.isdigit() and last.isdigit():
        start, end = int(first), int(last)
        if len(first) > 1 and first.startswith("0") and len(first) != len(last):
            raise ValueError(f"both ends of range {found.group()} must be equally long")
        width = len(first) if first.startswith("0") else 0
        values = [str(n).zfill(width) for n in range(start, min(end, start + MAX_HOSTS * step) + 1, step)]
    elif first.isalpha() and last.isalpha():
        letters = string.ascii_letters
        values = list(letters[letters.index(first) : letters.index(last) + 1 : step])
    else:
        raise ValueError(f"range {found.group()} mixes letters and digits")
    if not values:
        raise ValueError(f"range {found.group()} runs backwards")
    return values

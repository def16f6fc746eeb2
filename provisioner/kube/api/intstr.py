"""IntOrString fields that are a number or a percentage of another (maxSurge, maxUnavailable, minAvailable)."""

from __future__ import annotations

import re

_PERCENT = re.compile(r"^(\d+)%$")


def scaled(value: int | str | None, total: int, *, round_up: bool) -> int:
    """The number that `value` stands for among `total`. Raises ValueError for text that is no percentage; None is 0."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    found = _PERCENT.match(value)
    if found is None:
        raise ValueError(f"invalid value for IntOrString: {value!r} is neither a number nor a percentage")
    product = int(found[1]) * total
    return -(-product // 100) if round_up else product // 100

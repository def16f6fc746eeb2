"""How many seats each priority level has: its share of the server's, and what levels with nothing to do lend to those with much. Pure.

Source: "API Priority and Fairness", seats borrowing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """Percents are of the nominal seats; `borrowing_percent` None: no limit. Exempt levels only lend."""

    shares: int
    lendable_percent: int = 0
    borrowing_percent: int | None = None
    exempt: bool = False


def nominal_seats(levels: Mapping[str, Share], server_seats: int) -> dict[str, int]:
    total = sum(share.shares for share in levels.values()) or 1
    return {name: math.ceil(server_seats * share.shares / total) for name, share in levels.items()}


def current_seats(
    levels: Mapping[str, Share], nominal: Mapping[str, int], demands: Mapping[str, float], server_seats: int
) -> dict[str, int]:
    """The limit of each level that is not exempt, by how many seats each has lately wanted at once."""
    bounds = {}
    for name, share in levels.items():
        lowest = nominal[name] - round(nominal[name] * share.lendable_percent / 100)
        highest = server_seats if share.borrowing_percent is None else nominal[name] + round(nominal[name] * share.borrowing_percent / 100)
        needed = max(lowest, min(nominal[name], demands.get(name, 0)))
        bounds[name] = (needed, max(highest, nominal[name]), max(needed, demands.get(name, 0), 1.0))
    spent = sum(bounds[name][0] for name, share in levels.items() if share.exempt)
    limited = {name: bounds[name] for name, share in levels.items() if not share.exempt}
    remaining = max(server_seats - spent, sum(needed for needed, _, _ in limited.values()))
    fair = _proportion(list(limited.values()), remaining)
    return {name: max(1, round(min(max(fair * wanted, needed), highest))) for name, (needed, highest, wanted) in limited.items()}


def _proportion(levels: list[tuple[float, float, float]], seats: float) -> float:
    """The factor on everybody's demand that gives out `seats`, within everybody's bounds; by halving."""
    low, high = 0.0, max([seats, 1.0, *(highest / wanted for _, highest, wanted in levels)])
    for _ in range(50):
        middle = (low + high) / 2
        given = sum(min(max(middle * wanted, needed), highest) for needed, highest, wanted in levels)
        low, high = (middle, high) if given < seats else (low, middle)
    return high

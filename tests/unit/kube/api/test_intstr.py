"""Proves numbers and percentages of a total, rounded as they are asked to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api.intstr import scaled


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [(3, 10, 3, 3), ("25%", 10, 3, 2), ("0%", 10, 0, 0), ("100%", 7, 7, 7), (None, 5, 0, 0), ("50%", 1, 1, 0)],
)
def test_scaled(value: int | str | None, total: int, up: int, down: int) -> None:
    assert (scaled(value, total, round_up=True), scaled(value, total, round_up=False)) == (up, down)


@pytest.mark.parametrize("value", ["5", "x%", "-5%", "5.5%", ""])
def test_text_that_is_no_percentage(value: str) -> None:
    with pytest.raises(ValueError, match="percentage"):
        scaled(value, 10, round_up=True)


@given(st.integers(0, 100), st.integers(0, 10_000))
def test_rounding_differs_by_one_at_most(percent: int, total: int) -> None:
    up, down = scaled(f"{percent}%", total, round_up=True), scaled(f"{percent}%", total, round_up=False)
    assert 0 <= up - down <= 1
    assert down * 100 <= percent * total <= up * 100

"""Proves that sets of indexes are written as ranges, and read back without what is out of bounds."""

from __future__ import annotations

import pytest

from provisioner.kube.controllers.job_indexes import parse, render


@pytest.mark.parametrize(
    ("numbers", "text"), [((), ""), ((0,), "0"), ((0, 1, 2), "0-2"), ((7, 3, 1, 4, 5), "1,3-5,7"), ((1, 2, 9), "1,2,9"), ((0, 1), "0,1")]
)
def test_both_ways(numbers: tuple[int, ...], text: str) -> None:
    assert render(numbers) == text
    assert parse(text, 10) == frozenset(numbers)


@pytest.mark.parametrize(("text", "completions", "found"), [("0-9", 3, {0, 1, 2}), ("5", 3, set()), (None, 3, set()), ("x,1", 3, {1})])
def test_what_is_out_of_bounds_is_left_out(text: str | None, completions: int, found: set[int]) -> None:
    assert parse(text, completions) == found

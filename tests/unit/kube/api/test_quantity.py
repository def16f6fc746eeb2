"""Proves that quantities are exact, ordered by value, and written as upstream writes them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.api.quantity import QuantityError, canonical, milli, parse, value


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("0", 0),
        ("1", 1),
        ("500m", Fraction(1, 2)),
        ("1.5Gi", 1610612736),
        ("2e3", 2000),
        ("1E", 10**18),
        ("100n", Fraction(1, 10**7)),
        ("-1Ki", -1024),
        (".5", Fraction(1, 2)),
    ],
)
def test_values(text: str, exact: Fraction) -> None:
    assert parse(text) == exact


@pytest.mark.parametrize("text", ["", "1.5.5", "abc", "1Kb", "1 Gi", "--1", "Mi"])
def test_refused(text: str) -> None:
    with pytest.raises(QuantityError, match="quantit"):
        parse(text)


def test_rounded_up() -> None:
    assert (value("1500m"), milli("0.1234"), value("1n"), milli(2)) == (2, 124, 1, 2000)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1024Ki", "1Mi"),
        ("1500Mi", "1500Mi"),
        ("1000Mi", "1000Mi"),
        ("1e3", "1e3"),
        ("2000", "2k"),
        ("0.0", "0"),
        ("1.5Gi", "1536Mi"),
    ],
)
def test_canonical(text: str, written: str) -> None:
    assert canonical(text) == written


@given(st.integers(min_value=0, max_value=10**15), st.sampled_from(["m", "", "k", "Ki", "Mi", "M"]))
def test_canonical_keeps_the_value(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    assert parse(canonical(text)) == parse(text)
    assert canonical(canonical(text)) == canonical(text)


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "9" * 200])
def test_numbers_that_nobody_means_are_refused_at_once(text: str) -> None:
    with pytest.raises(QuantityError):
        parse(text)

"""Proves how levels of variables combine."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.inventory.overlays import overlay

LOW: dict[str, Any] = {"a": {"x": 1, "y": {"p": 1}}, "b": [1], "c": 1}
HIGH: dict[str, Any] = {"a": {"y": {"q": 2}}, "b": [2], "d": {"z": 1}}


@pytest.mark.parametrize(
    ("deep", "expected"),
    [
        (False, {"a": {"y": {"q": 2}}, "b": [2], "c": 1, "d": {"z": 1}}),
        (True, {"a": {"x": 1, "y": {"p": 1, "q": 2}}, "b": [2], "c": 1, "d": {"z": 1}}),
    ],
)
def test_mappings_are_replaced_or_merged(deep: bool, expected: dict[str, Any]) -> None:
    merged = dict(LOW)
    overlay(merged, HIGH, deep=deep)
    assert merged == expected
    assert LOW["a"] == {"x": 1, "y": {"p": 1}}

"""Proves how levels of variables combine."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.inventory.overlays import overlay
from provisioner.templating.values import Resolved, is_template

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


def test_what_is_final_merges_and_stays_so() -> None:
    merged: dict[str, Any] = {"a": {"x": "{{ y }}", "z": 1}}
    overlay(merged, {"a": Resolved({"said": "{{ y }}"})}, deep=True)
    assert merged["a"] == {"x": "{{ y }}", "z": 1, "said": "{{ y }}"}
    assert [is_template(merged["a"][key]) for key in ("x", "said")] == [True, False]
    overlay(merged, {"a": Resolved(5)}, deep=True)
    assert merged["a"].value == 5

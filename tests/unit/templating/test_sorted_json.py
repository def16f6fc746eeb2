"""Keys of several types are no reason to fail."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from provisioner.templating.sorted_json import sorted_json, told


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": 2}, '{"a": 2, "b": 1}'),
        ({1: "a", "b": 2, None: 3, 2.5: 4}, '{"1": "a", "2.5": 4, "b": 2, "null": 3}'),
        ([{"x": {2: 1, "a": (1,)}}], '[{"x": {"2": 1, "a": [1]}}]'),
    ],
)
def test_order(value: object, expected: str) -> None:
    assert sorted_json(value) == expected


def test_other_mistakes_stay() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        sorted_json({"a": object()})


def test_bytes_are_told_as_text() -> None:
    assert sorted_json([b"a\xff"], default=told, ensure_ascii=False) == '["a\ufffd"]'


def test_moments_are_told_as_iso_8601_has_them() -> None:
    assert (
        sorted_json([datetime(2020, 1, 2, 3, 4, 5), date(2020, 1, 2), Path("/x")], default=told)
        == '["2020-01-02T03:04:05", "2020-01-02", "/x"]'
    )

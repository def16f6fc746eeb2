"""Keys of several types are no reason to fail."""

from __future__ import annotations

import pytest

from provisioner.templating.sorted_json import sorted_json


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

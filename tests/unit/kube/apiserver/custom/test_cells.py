"""Proves what a column of a custom resource shows: the first value, of the column's type or nothing, and never an error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from provisioner.kube.apiserver.custom.cells import cell

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("string", "a", "a"), ("string", "", ""), ("string", 5, "5"), ("string", 1.5, "1.5"), ("string", 1e21, "1e+21"), ("string", True, "true"),
        ("string", None, "<no value>"), ("string", {"b": 1, "a": ["x"]}, '{"a":["x"],"b":1}'), ("string", ["a", "b"], '["a","b"]'),
        ("integer", 3, 3), ("integer", 3.7, 3), ("integer", "3", None), ("integer", True, None), ("integer", None, None),
        ("number", 1.5, 1.5), ("number", 3, 3), ("number", "1.5", None), ("number", True, None),
        ("boolean", False, False), ("boolean", "true", None), ("boolean", 1, None),
        ("date", "2026-05-01T11:00:00Z", "60m"), ("date", "2036-05-01T11:00:00Z", "<invalid>"), ("date", "", "<unknown>"),
        ("date", "nonsense", "<invalid>"), ("date", "2026-05-01", "<invalid>"), ("date", 5, None),
    ],
)  # fmt: skip
def test_cells_are_of_their_columns_type(type_: str, value: Any, expected: Any) -> None:
    found = cell({"spec": {"v": value}}, {"type": type_, "jsonPath": ".spec.v"}, NOW)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize("type_", ["string", "integer", "date"])
def test_there_is_nothing_where_nothing_is_found(type_: str) -> None:
    assert cell({"spec": {}}, {"type": type_, "jsonPath": ".spec.v"}, NOW) is None
    assert cell({"spec": {}}, {"type": type_, "jsonPath": ".spec[(@.length-1)]"}, NOW) is None
    assert cell({"spec": {"l": ["a", "b"]}}, {"type": type_, "jsonPath": ".spec.l[*]"}, NOW) in ("a", None, "<invalid>")

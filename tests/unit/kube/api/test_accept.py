"""Proves in which order the media types of an Accept header are wanted."""

from __future__ import annotations

import pytest

from provisioner.kube.api.accept import by_preference


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("application/json", ["application/json"]),
        ("text/plain;q=0.5, application/json", ["application/json", "text/plain"]),
        ("a/b, c/d", ["a/b", "c/d"]),
        ("a/b;q=0, c/d;q=x, e/f;q=0.1", ["e/f"]),
    ],
)
def test_order(header: str, wanted: list[str]) -> None:
    assert [media for media, _ in by_preference(header)] == wanted


def test_parameters() -> None:
    assert by_preference("application/json;as=Table;v=v1") == [("application/json", {"as": "Table", "v": "v1"})]

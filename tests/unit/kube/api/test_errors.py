"""Proves how refusals quote values and which details they show, as programs that read upstream's expect them."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import errors


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, '"null"'),
        ("plain", '"plain"'),
        ('say "a\\b"', '"say \\"a\\\\b\\""'),
        ("a\nb\tc", '"a\\nb\\tc"'),
        ("\x00\x7f", '"\\x00\\x7f"'),
        ("a\u200bb", '"a\\u200bb"'),
        ("grün\n", '"grün\\n"'),
        (True, "true"),
        (3, "3"),
        ({"a": None}, '{"a":null}'),
    ],
)
def test_values_are_quoted_as_go_does(value: Any, expected: str) -> None:
    assert errors.shown(value) == expected


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (errors.no_route(), {}),
        (errors.no_method(), {}),
        (errors.forbidden("", "", "no"), {}),
        (errors.timeout("late"), {}),
        (errors.bad_request("bad"), None),
        (errors.unauthorized(), None),
        (errors.expired("old"), None),
        (errors.not_found("pods", "x"), {"name": "x", "kind": "pods"}),
    ],
)
def test_details_that_say_nothing_are_there_where_upstream_has_them(error: errors.StatusError, details: dict[str, Any] | None) -> None:
    assert error.to_status().get("details") == details

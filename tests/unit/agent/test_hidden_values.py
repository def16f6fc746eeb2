"""Proves that what a module's specification calls a secret is in none of its answers, at any depth and under any of its names."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.agent.hidden_values import HIDDEN, no_log_values, remove_values

SPEC: dict[str, Any] = {
    "name": {},
    "password": {"no_log": True, "aliases": ["pass"]},
    "accounts": {"type": "list", "options": {"token": {"no_log": True}, "name": {}}},
    "tokens": {"type": "dict", "no_log": True},
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "n", "password": "p"}, {"p"}),
        ({"pass": "p"}, {"p"}),
        ({"password": ""}, set()),
        ({"password": None}, set()),
        ({"password": 12}, {"12"}),
        ({"accounts": [{"token": "t", "name": "n"}, "token=u", "nonsense", 5]}, {"t", "u"}),
        ({"accounts": {"token": "t"}}, {"t"}),
        ({"tokens": {"a": "x", "b": ["y", True]}}, {"x", "y"}),
        ({"other": "o"}, set()),
    ],
)
def test_what_is_secret_of_the_arguments(given: dict[str, Any], expected: set[str]) -> None:
    assert no_log_values(SPEC, given) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"msg": "it is s3cret"}, {"msg": "it is ********"}),
        ({"msg": "s3cret", "n": 1, "b": True, "none": None}, {"msg": HIDDEN, "n": 1, "b": True, "none": None}),
        ({"list": ["s3cret", ("a s3cret",)]}, {"list": [HIDDEN, ["a ********"]]}),
        ({"raw": b"a s3cret"}, {"raw": "a ********"}),
        ({"msg": "longer s3cret-too"}, {"msg": "longer ********"}),
    ],
)
def test_it_is_taken_out_of_an_answer(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    assert remove_values(answer, ["s3cret", "s3cret-too"]) == expected
    assert remove_values(answer, [""]) is answer

"""Proves that arguments are checked as AnsibleModule checks them, at every depth: what is converted, what is wrong, in its order and words."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.agent.argument_check import Check, FallbackAbsent
from provisioner.agent.arguments import CONVERTERS, ArgumentError, checked

INNER: dict[str, Any] = {
    "a": {"type": "int", "required": True},
    "b": {"default": "bee", "aliases": ["bb"]},
    "c": {"choices": ["x", "y"]},
    "d": {"type": "list", "elements": "int"},
    "f": {"type": "dict", "options": {"g": {"type": "bool", "default": True}}},
}
SPEC: dict[str, Any] = {
    "o": {"type": "dict", "options": INNER, "required_together": [["c", "d"]], "mutually_exclusive": [["b", "f"]]},
    "many": {"type": "list", "elements": "dict", "options": INNER},
    "ap": {"type": "dict", "apply_defaults": True, "options": {"p": {"default": 3}, "q": {"type": "int", "default": "4"}}},
    "i": {"type": "int", "default": "7"},
    "s": {},
    "word": {"choices": ["yes", "no", "x"]},
    "n": {"aliases": ["name"]},
}
NO_INT = "we were unable to convert to int: \"'x'\" cannot be converted to an int"
INNER_NAMES = "a, b, c, d, f (bb)."
DEFAULTS = {"o": None, "many": None, "ap": {"p": "3", "q": 4}, "i": 7, "s": None, "word": None, "n": None}


def level(given: dict[str, Any], rules: dict[str, Any] | None = None, spec: dict[str, Any] = SPEC) -> tuple[dict[str, Any], list[str]]:
    made = Check(CONVERTERS.__getitem__)
    found = made.level(spec, given, rules or {})
    return found, [*made.errors, *([made.unknown()] if made.unknown() else [])]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {}),
        ({"o": {"a": "1"}}, {"o": {"a": 1, "b": "bee", "c": None, "d": None, "f": None}}),
        ({"o": "a=1 bb='x y'"}, {"o": {"a": 1, "b": "x y", "bb": "x y", "c": None, "d": None, "f": None}}),
        ({"many": [{"a": 1, "f": {}}]}, {"many": [{"a": 1, "b": "bee", "c": None, "d": None, "f": {"g": True}}]}),
        ({"many": {"a": 1}}, None),
        ({"ap": {"q": "5"}}, {"ap": {"p": "3", "q": 5}}),
        ({"word": True}, {"word": "yes"}),
        ({"word": False}, {"word": "no"}),
        ({"name": "x", "n": "y"}, {"n": "x", "name": "x"}),
        ({"s": None}, {}),
        ({"s": 1.5}, {"s": "1.5"}),
    ],
    ids=repr,
)
def test_what_is_right(given: dict[str, Any], found: dict[str, Any] | None) -> None:
    made, errors = level(given)
    assert (made == {**DEFAULTS, **found} and not errors) if found is not None else errors


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({"i": None}, ['argument \'i\' is of type NoneType and we were unable to convert to int: "None" cannot be converted to an int']),
        ({"word": None}, ["value of word must be one of: yes, no, x, got: None"]),
        ({"o": {}}, ["missing required arguments: a found in o"]),
        ({"o": {"a": "x"}}, [f"argument 'a' is of type str found in 'o'. and {NO_INT}"]),
        ({"o": {"a": 1, "d": ["x"], "c": "x"}}, [f"Elements value for option 'd' found in 'o' is of type str and {NO_INT}"]),
        ({"o": {"a": 1, "c": "x"}}, ["parameters are required together: c, d found in o"]),
        ({"o": {"a": 1, "b": "1", "f": {}}}, ["parameters are mutually exclusive: b|f found in o"]),
        ({"many": [{"a": 1}, {"a": 1, "f": {"h": 1}}]}, ["many.f.h. Supported parameters include: g."]),
        ({"many": [{"a": 1, "z": 1}], "o": {"a": 1, "y": 1}}, [f"many.z, o.y. Supported parameters include: {INNER_NAMES}"]),
        ({"zz": 1, "i": "x"}, [f"argument 'i' is of type str and {NO_INT}", "zz. Supported parameters include: ap, i, many, n, o, s, word (name)."]),
        (
            {"many": [1]},
            [
                "Value '1' in the sub parameter field 'many' must be a list, not 'int'",
                "Elements value for option 'many' is of type int and we were unable to convert to dict: <class 'int'> cannot be converted to a dict",
            ],
        ),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_wrong(given: dict[str, Any], errors: list[str]) -> None:
    assert level(given)[1] == errors


RULES: dict[str, Any] = {
    "mutually_exclusive": [["a", "b"], ["c", "d"]],
    "required_together": [["a", "c"], ["b", "d"]],
    "required_one_of": [["x", "y"], ["z", "w"]],
    "required_if": [["s", "q", ["x"]], ["s", "q", ["y"]], ["s", "any", ["y", "z"], True]],
    "required_by": {"a": ["x"], "b": "y"},
}


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (
            {"a": 1, "b": 1},
            [
                "parameters are mutually exclusive: a|b",
                "parameters are required together: a, c",
                "one of the following is required: x, y",
                "missing parameter(s) required by 'a': x",
            ],
        ),
        ({"a": 1, "b": 1, "c": None, "d": 1, "x": 1, "y": 1, "z": 1}, ["parameters are mutually exclusive: a|b, c|d"]),
        ({"s": "q", "z": 1, "y": 1}, ["s is q but all of the following are missing: x"]),
        ({"s": "any", "w": 1, "x": 1}, ["s is any but any of the following are missing: y, z"]),
        ({"s": "any", "w": 1, "y": None}, []),
    ],
    ids=repr,
)
def test_rules_tell_the_first_of_their_kind(given: dict[str, Any], errors: list[str]) -> None:
    assert level(given, RULES, {name: {} for name in "abcdxyzws"})[1] == errors


def test_fallbacks_stand_in_for_what_is_not_there() -> None:
    def nothing() -> None:
        raise FallbackAbsent

    spec = {
        "a": {"type": "int", "required": True, "fallback": (lambda *args, **options: f"{args[0]}{options['b']}", ["1"], {"b": 2})},
        "c": {"default": "d", "fallback": (nothing,)},
    }
    assert level({}, spec=spec) == ({"a": 12, "c": "d"}, [])
    assert level({"a": 5}, spec=spec)[0]["a"] == 5


def test_what_is_deprecated_is_told() -> None:
    spec = {
        "a": {"aliases": ["b"], "deprecated_aliases": [{"name": "b", "version": "3.0.0", "collection_name": "x.y"}]},
        "c": {"removed_at_date": "2030-01-01", "removed_from_collection": "x.y"},
    }
    made = Check(CONVERTERS.__getitem__)
    made.level(spec, {"b": 1, "c": 1}, {})
    assert made.told == [
        {"msg": "Alias 'b' is deprecated. See the module docs for more information", "version": "3.0.0", "date": None, "collection_name": "x.y"},
        {"msg": "Param 'c' is deprecated. See the module docs for more information", "version": None, "date": "2030-01-01", "collection_name": "x.y"},
    ]  # fmt: skip


def test_modules_of_ours_get_proper_names_only_and_what_is_the_controllers() -> None:
    spec = {"n": {"aliases": ["name"]}, "l": {"type": "list"}, "_rules": {"required_one_of": [["n", "l"]], "called": "thing"}}
    assert checked(spec, {"name": "x", "l": "a, b", "_private": 1}, "m") == {"n": "x", "l": ["a", "b"], "_private": 1}
    with pytest.raises(
        ArgumentError, match=r"^Unsupported parameters for \(thing\) module: z\. Supported parameters include: l, n \(name\)\.$"
    ):
        checked(spec, {"n": 1, "z": 1}, "m")

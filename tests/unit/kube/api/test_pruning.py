"""Proves what becomes of parts that a manager applies no longer, beside what others own of them: what upstream's library makes of the
same steps on a type with a struct, a map, a set and lists of items."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provisioner.kube.api.apply import apply
from provisioner.kube.api.field_sets import Schema, to_fields_v1
from provisioner.kube.api.managed_fields import APPLY, UPDATE, Manager, read, track
from provisioner.kube.api.merge_rules import FieldRule

SCALAR = FieldRule("scalar", "", "", "", "", ())
MAP = FieldRule("map", "", "", "", "", ())
RULES = {
    "root": {"spec": FieldRule("struct", "spec", "", "", "", ()), "extra": SCALAR},
    "spec": {
        "a": SCALAR,
        "b": SCALAR,
        "m": MAP,
        "set": FieldRule("list", "", "", "", "set", ()),
        "items": FieldRule("list", "item", "", "", "map", ("name",)),
        "ports": FieldRule("list", "port", "", "", "map", ("port", "protocol")),
        "nested": FieldRule("struct", "nested", "", "", "", ()),
    },
    "item": {"name": SCALAR, "v": SCALAR, "m": MAP},
    "port": {"port": SCALAR, "protocol": SCALAR},
    "nested": {"a": SCALAR, "m": MAP},
}
SCHEMA = Schema("root", RULES)
Step = tuple[str, str, dict[str, Any]]
N, OTHER = 'k:{"name":"n"}', 'k:{"name":"o"}'
CASES: dict[str, tuple[list[Step], dict[str, Any], dict[str, dict[str, Any]]]] = {
    "an item that another changed a part of goes whole": (
        [
            ("A", APPLY, {"spec": {"items": [{"name": "n", "v": "x"}, {"name": "o"}]}}),
            ("B", UPDATE, {"spec": {"items": [{"name": "n", "v": "y"}, {"name": "o"}]}}),
            ("A", APPLY, {"spec": {"items": [{"name": "o"}]}}),
        ],
        {"spec": {"items": [{"name": "o"}]}},
        {"A": {"f:spec": {"f:items": {OTHER: {".": {}, "f:name": {}}}}}},
    ),
    "an item that another applied, too, keeps what is the other's": (
        [
            ("A", APPLY, {"spec": {"a": "x", "items": [{"name": "n", "v": "x"}]}}),
            ("B", APPLY, {"spec": {"items": [{"name": "n", "m": {"k": "1"}}]}}),
            ("A", APPLY, {"spec": {"a": "x"}}),
        ],
        {"spec": {"a": "x", "items": [{"name": "n", "m": {"k": "1"}}]}},
        {"A": {"f:spec": {"f:a": {}}}, "B": {"f:spec": {"f:items": {N: {".": {}, "f:m": {"f:k": {}}, "f:name": {}}}}}},
    ),
    "who applied an empty map owns it still when it is emptied": (
        [
            ("A", APPLY, {"spec": {"m": {"k": "x"}, "a": "x"}}),
            ("B", APPLY, {"spec": {"m": {}}}),
            ("A", APPLY, {"spec": {"a": "x"}}),
        ],
        {"spec": {"a": "x"}},
        {"A": {"f:spec": {"f:a": {}}}, "B": {"f:spec": {"f:m": {}}}},
    ),
    "what nobody owns goes with the part": (
        [("A", APPLY, {"spec": {"a": "x", "nested": {"a": "x"}, "ports": []}}), ("A", APPLY, {})],
        {},
        {},
    ),
    "null takes nothing from a map": (
        [("A", APPLY, {"spec": {"m": {"k": "x"}}}), ("B", APPLY, {"spec": {"m": None}})],
        {"spec": {"m": {"k": "x"}}},
        {"A": {"f:spec": {"f:m": {"f:k": {}}}}, "B": {"f:spec": {"f:m": {}}}},
    ),
    "a map that becomes a list": (
        [("A", UPDATE, {"extra": {"w": {"w": "x"}}}), ("B", APPLY, {"extra": {"w": ["y"]}})],
        {"extra": {"w": ["y"]}},
        {"A": {"f:extra": {}}, "B": {"f:extra": {"f:w": {}}}},
    ),
    "an item that another made keeps its name": (
        [
            ("A", UPDATE, {"spec": {"items": [{"name": "n", "v": "x"}]}}),
            ("B", APPLY, {"spec": {"items": [{"name": "n", "v": "y"}]}}),
            ("B", APPLY, {"spec": {"b": "1"}}),
        ],
        {"spec": {"items": [{"name": "n"}], "b": "1"}},
        {"A": {"f:spec": {".": {}, "f:items": {".": {}, N: {".": {}, "f:name": {}}}}}, "B": {"f:spec": {"f:b": {}}}},
    ),
    "sets and items with two keys": (
        [
            ("A", APPLY, {"spec": {"set": ["p", "q"], "ports": [{"port": 1}, {"port": 1, "protocol": "UDP"}]}}),
            ("B", APPLY, {"spec": {"set": ["r", "q"], "ports": [{"port": 2}, {"port": 1, "protocol": "TCP"}]}}),
            ("A", APPLY, {"spec": {"set": ["q"], "ports": [{"port": 1, "protocol": "UDP"}]}}),
        ],
        {"spec": {"set": ["r", "q"], "ports": [{"port": 2}, {"port": 1, "protocol": "TCP"}, {"port": 1, "protocol": "UDP"}]}},
        {
            "A": {
                "f:spec": {"f:ports": {'k:{"port":1,"protocol":"UDP"}': {".": {}, "f:port": {}, "f:protocol": {}}}, "f:set": {'v:"q"': {}}}
            },
            "B": {
                "f:spec": {
                    "f:ports": {
                        'k:{"port":1,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:protocol": {}},
                        'k:{"port":2,"protocol":"TCP"}': {".": {}, "f:port": {}},
                    },
                    "f:set": {'v:"q"': {}, 'v:"r"': {}},
                }
            },
        },
    ),
}


@pytest.mark.parametrize(("steps", "made", "owners"), CASES.values(), ids=CASES)
def test_steps(steps: list[Step], made: dict[str, Any], owners: dict[str, dict[str, Any]]) -> None:
    live: dict[str, Any] | None = None
    for name, operation, said in steps:
        manager, before = Manager(name, operation, "v1"), copy.deepcopy(live)
        if operation == APPLY:
            after = apply(live, said, manager, SCHEMA, now="T", force=True)
        else:
            after = {**said, "metadata": dict(live["metadata"]) if live else {}}
            track(after, live, manager, SCHEMA, now="T")
        assert live == before, "inputs stay as they were"
        live = after
    assert live is not None
    assert {entry.manager.name: to_fields_v1(entry.paths) for entry in read(live)} == owners
    assert {key: value for key, value in live.items() if key != "metadata"} == made

"""What a manager gives up by applying without it: that goes which nobody else owns, in the order of sets in which upstream finds it.

A part of an object that its type declares counts as owned by whoever owns something in it; an item of a list doesn't. Pure.
Source: the library of server-side apply, sigs.k8s.io/structured-merge-diff (merge/update.go: prune).
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from provisioner.kube.api.field_sets import Path, Paths, Schema, all_paths_of, is_leaf, item_element
from provisioner.kube.api.merge_rules import FieldRule

# Members that are left with nothing in them: (what holds it, its name).
Emptied = list[tuple[dict[str, Any], str]]


def prune(merged: dict[str, Any], last: Paths, owned: Paths, schema: Schema) -> tuple[dict[str, Any], Emptied]:
    """`merged` without what the manager owned as of `last` and nobody owns now. What is emptied by that stands there as null, so that
    comparing doesn't take it for removed, until the caller drops it."""
    given_up = _with_declared(last, schema)
    everything = _with_declared(all_paths_of(merged, schema), schema)
    bare = _without(merged, given_up, schema)[0]
    still = _with_declared(all_paths_of(bare, schema), schema) | _with_declared(owned, schema)
    rest = _without(merged, everything - still, schema)[0]
    return _without(merged, (everything - _with_declared(all_paths_of(rest, schema), schema)) & given_up, schema)


def _with_declared(paths: Paths, schema: Schema) -> Paths:
    """With the members of structs on the way to each path."""
    found = set(paths)
    for path in paths:
        rule = schema.root
        for length, element in enumerate(path[:-1], 1):
            if element.startswith("f:"):
                name = element[2:]
                if schema.declares(rule, name):
                    found.add(path[:length])
                rule = schema.child(rule, name)
            else:
                rule = schema.item(rule)
    return frozenset(found)


def _without(document: dict[str, Any], gone: AbstractSet[Path], schema: Schema) -> tuple[dict[str, Any], Emptied]:
    removal = _Removal(gone, schema)
    return removal.left(document, schema.root, ()) or {}, removal.emptied


class _Removal:
    """What goes; `parents` are all beginnings of its paths."""

    def __init__(self, gone: AbstractSet[Path], schema: Schema) -> None:
        self.gone, self.schema = gone, schema
        self.parents = {path[:length] for path in gone for length in range(len(path))}
        self.emptied: Emptied = []

    def left(self, value: Any, rule: FieldRule | None, path: Path) -> Any:
        """What is left of a value that isn't itself among what goes; None where that is nothing."""
        if path not in self.parents or not value or is_leaf(value, rule):
            return value
        if isinstance(value, dict):
            members: dict[str, Any] = {}
            for key, item in value.items():
                here = (*path, f"f:{key}")
                if here not in self.gone:
                    members[key] = self.left(item, self.schema.child(rule, key), here)
                    if members[key] is None and item is not None:
                        self.emptied.append((members, key))
            return members or None
        assert rule is not None
        item_rule = self.schema.item(rule) if rule.topology == "map" else None
        places = [(item, (*path, item_element(item, rule))) for item in value]
        return [self.left(item, item_rule, here) for item, here in places if here not in self.gone] or None

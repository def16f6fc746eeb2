"""Sets of fields: which parts of an object somebody set, as paths, and their `fieldsV1` form in metadata.managedFields.

A path is a tuple of elements: `f:name` a field or a key of a map, `k:{"name":"x"}` an item of a list that is a map by its keys,
`v:"x"` an item of a list that is a set (and `i:0`, in texts alone, one of a list that is neither). Atomic parts end a path. What is
atomic, a set or a map is said by the types' rules (x-kubernetes-list-type, -map-type); where there are none, maps are granular and lists
atomic.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from provisioner.kube.api.merge_rules import RULES, FieldRule, struct_rule
from provisioner.kube.api.standing_members import ALWAYS_LISTED, stands

Path = tuple[str, ...]
Paths = frozenset[Path]

EMPTY: Paths = frozenset()
# Keys of list items that have a default: an item that leaves them out is the item with the default.
KEY_DEFAULTS = {"protocol": "TCP"}
# Types of items whose key may be left out: their name is "" then.
_NAMELESS = frozenset(("core_v1.LocalObjectReference",))
# Types of items that are told apart by their key, yet are owned as a whole (x-kubernetes-map-type: atomic).
_ATOMIC_ITEMS = {
    key: FieldRule("struct", key, "", "", "atomic", ())
    for key in ("admissionregistration_v1.Variable", "core_v1.LocalObjectReference", "core_v1.ObjectReference", "meta_v1.OwnerReference")
}
# What belongs to the server, and to nobody's set.
_SERVERS = {
    ("f:metadata", f"f:{name}")
    for name in (
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "managedFields",
    )
}


ABSENT = object()


class Schema:
    """The rules of a type and of all that it contains. `type_key` None: nothing is known, as for custom resources without a schema."""

    def __init__(self, type_key: str | None, rules: Mapping[str, Mapping[str, FieldRule]] = RULES) -> None:
        self._rules = rules
        self._typed = rules is RULES
        self.root = FieldRule("struct", type_key, "", "", "", ()) if type_key else None

    def declares(self, rule: FieldRule | None, key: str) -> bool:
        return rule is not None and rule.shape == "struct" and key in self._rules.get(rule.target, {})

    def child(self, rule: FieldRule | None, key: str) -> FieldRule | None:
        """The rule of a member of an object."""
        if rule is None:
            return None
        if rule.shape == "struct":
            return self._rules.get(rule.target, {}).get(key)
        return struct_rule(rule.target) if rule.shape == "map" and rule.target else None

    def blank(self, rule: FieldRule | None, key: str) -> Any:
        """What an object holds for a member of it that it says nothing of: {} or [] where its type always has one, else ABSENT."""
        if not self._typed or rule is None or rule.shape != "struct":
            return ABSENT
        member = self.child(rule, key)
        if member is not None and member.shape == "struct" and stands(rule.target, key):
            return {}
        return [] if (rule.target, key) in ALWAYS_LISTED else ABSENT

    def item(self, rule: FieldRule | None) -> FieldRule | None:
        """The rule of an item of a list."""
        if rule is None or not rule.target:
            return None
        return _ATOMIC_ITEMS.get(rule.target) or struct_rule(rule.target)


def is_leaf(value: Any, rule: FieldRule | None) -> bool:
    """Whether a value is owned as a whole."""
    if isinstance(value, dict):
        return rule is not None and rule.topology == "atomic"
    if isinstance(value, list):
        return rule is None or rule.topology not in ("map", "set")
    return True


def item_element(item: Any, rule: FieldRule) -> str:
    """The path element of an item of a set or of a map-like list."""
    if rule.topology == "map" and isinstance(item, dict):
        keys = {key: item.get(key, KEY_DEFAULTS.get(key)) for key in rule.map_keys}
        return "k:" + _compact({key: value for key, value in keys.items() if value is not None})
    return "v:" + _compact(item)


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def items_by_element(items: Any, rule: FieldRule) -> dict[str, Any]:
    """Items under their element, in order; the first of doubles counts."""
    found: dict[str, Any] = {}
    for item in items if isinstance(items, list) else ():
        found.setdefault(item_element(item, rule), item)
    return found


def paths_of(document: Mapping[str, Any], schema: Schema) -> Paths:
    """All that a document sets, without what is the server's."""
    return owned(all_paths_of(document, schema))


def all_paths_of(document: Mapping[str, Any], schema: Schema) -> Paths:
    """All that a document sets."""
    found: set[Path] = set()
    _collect(document, schema.root, (), schema, found)
    return frozenset(found)


def owned(paths: AbstractSet[Path]) -> Paths:
    """Without apiVersion, kind and the metadata that the server writes."""
    return frozenset(p for p in paths if p[0] not in ("f:apiVersion", "f:kind") and p[:2] not in _SERVERS and p != ("f:metadata",))


def _collect(value: Any, rule: FieldRule | None, path: Path, schema: Schema, found: set[Path], *, containers: bool = False) -> None:
    """Add the leaves, list items and undeclared or empty members; with `containers`, all that holds others too."""
    if is_leaf(value, rule):
        found.add(path)
    elif isinstance(value, dict):
        if containers:
            found.add(path)
        for key, item in value.items():
            here = (*path, f"f:{key}")
            _collect(item, schema.child(rule, key), here, schema, found, containers=containers)
            if item is None or item == {} or not schema.declares(rule, key):
                found.add(here)
    else:
        assert rule is not None
        if containers:
            found.add(path)
        for element, item in items_by_element(value, rule).items():
            found.add((*path, element))
            if rule.topology == "map":
                _collect(item, schema.item(rule), (*path, element), schema, found, containers=containers)


# -- comparing -------------------------------------------------------------------------------------------------------------


class Difference:
    """What became of an object: paths that came, went, or have another value."""

    def __init__(self) -> None:
        self.added: set[Path] = set()
        self.removed: set[Path] = set()
        self.modified: set[Path] = set()

    @property
    def set_now(self) -> Paths:
        return frozenset(self.added | self.modified)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.modified)


def compare(old: Mapping[str, Any], new: Mapping[str, Any], schema: Schema) -> Difference:
    """How `new` differs from `old`, in owned paths."""
    found = Difference()
    _compare(_without_owners(old), _without_owners(new), schema.root, (), schema, found)
    found.added, found.removed, found.modified = (set(owned(s)) if s else s for s in (found.added, found.removed, found.modified))
    return found


def _without_owners(document: Mapping[str, Any]) -> dict[str, Any]:
    """Nobody owns managedFields, and comparing them would cost more than all the rest."""
    metadata = document.get("metadata") or {}
    if "managedFields" not in metadata:
        return dict(document)
    return {**document, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def _compare(old: Any, new: Any, rule: FieldRule | None, path: Path, schema: Schema, found: Difference) -> None:
    if old is new or (old is not ABSENT and new is not ABSENT and old == new):
        return
    if old is ABSENT or new is ABSENT:
        into = found.added if old is ABSENT else found.removed
        _collect(new if old is ABSENT else old, rule, path, schema, into, containers=True)
    elif is_leaf(old, rule) or is_leaf(new, rule) or type(old) is not type(new):
        _compare_unlike(old, new, rule, path, schema, found)
    elif isinstance(old, dict):
        # Most members are the same: no path is made for them.
        for key, before in old.items():
            after = new.get(key, ABSENT)
            if before is not after and before != after:
                if after is ABSENT:
                    after = schema.blank(rule, key)
                _compare(before, after, schema.child(rule, key), (*path, f"f:{key}"), schema, found)
        for key in new.keys() - old.keys():
            _compare(schema.blank(rule, key), new[key], schema.child(rule, key), (*path, f"f:{key}"), schema, found)
    else:
        assert rule is not None
        items, others = items_by_element(old, rule), items_by_element(new, rule)
        for element in {**items, **others}:
            here, item_rule = (*path, element), schema.item(rule) if rule.topology == "map" else None
            _compare(items.get(element, ABSENT), others.get(element, ABSENT), item_rule, here, schema, found)


def _compare_unlike(old: Any, new: Any, rule: FieldRule | None, path: Path, schema: Schema, found: Difference) -> None:
    """One of them is a leaf, or they are of two types: what is within the one that isn't a leaf comes or goes, too. null is an empty one."""
    inside = [not is_leaf(value, rule) for value in (old, new)]
    if not ((new is None and inside[0] and old) or (old is None and inside[1] and new)):
        found.modified.add(path)
    for value, holds, into in ((old, inside[0], found.removed), (new, inside[1], found.added)):
        if holds:
            below: set[Path] = set()
            _collect(value, rule, path, schema, below, containers=True)
            into |= below - {path}


def doubled(value: Any, rule: FieldRule | None, schema: Schema, path: Path = ()) -> Iterator[str]:
    """Items that a list has twice though its type tells them apart, and those that nothing tells apart, in upstream's words. `rule` is the
    value's, `schema.root` for a document."""
    if is_leaf(value, rule):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from doubled(item, schema.child(rule, key), schema, (*path, f"f:{key}"))
        return
    assert rule is not None
    item_rule = schema.item(rule) if rule.topology == "map" else None
    seen: set[str] = set()
    for index, item in enumerate(value):
        element = item_element(item, rule)
        if element == "k:{}" and rule.target not in _NAMELESS:
            keys = " ".join(f'"{key}"' for key in rule.map_keys)
            yield (
                f"{path_text(path)}: element {index}: associative list with keys has an element that omits all key fields [{keys}] "
                "(and doesn't have default values for any key fields)"
            )
        elif element in seen:
            yield f"{path_text(path)}: duplicate entries for key {path_text((element,))}"
        seen.add(element)
        yield from doubled(item, item_rule, schema, (*path, element))


# -- fieldsV1 --------------------------------------------------------------------------------------------------------------


def to_fields_v1(paths: Paths) -> dict[str, Any]:
    """The nested form: a leaf is an empty object; `.` marks a path that is itself in the set and has others below it."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    _drop_dots(root)
    return root


def _drop_dots(node: dict[str, Any]) -> None:
    for key, child in node.items():
        if key != ".":
            _drop_dots(child)
    if set(node) == {"."}:
        del node["."]


def fields_v1_of(document: Mapping[str, Any], schema: Schema, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What `to_fields_v1` makes of everything that comes with a new document, `without` some of its members: the same, made in one go."""
    root: dict[str, Any] = {}
    for key, value in document.items():
        if key in ("apiVersion", "kind") or key in without:
            continue
        if key == "metadata":
            value = {name: item for name, item in value.items() if ("f:metadata", f"f:{name}") not in _SERVERS}
        _add(root, key, value, schema.root, False, schema)
    root.get("f:metadata", {}).pop(".", None)
    if not root.get("f:metadata", True):
        del root["f:metadata"]
    return dict(sorted(root.items()))


def _add(node: dict[str, Any], key: str, value: Any, rule: FieldRule | None, comes: bool, schema: Schema) -> None:
    """A member of an object, `rule` and `comes` are the object's."""
    blank, child = ABSENT if comes else schema.blank(rule, key), schema.child(rule, key)
    if blank is ABSENT:
        node[f"f:{key}"] = _nested(value, child, True, schema)
    elif value != blank:
        below = _nested(value, child, False, schema)
        if below or is_leaf(value, child):
            node[f"f:{key}"] = below


def _nested(value: Any, rule: FieldRule | None, comes: bool, schema: Schema) -> dict[str, Any]:
    """The node of one member, its keys in order. Whether it `comes`, or stands there before it holds anything."""
    if is_leaf(value, rule):
        return {}
    node: dict[str, Any] = {}
    if isinstance(value, dict):
        for key, item in value.items():
            _add(node, key, item, rule, comes, schema)
    else:
        assert rule is not None
        item_rule = schema.item(rule) if rule.topology == "map" else None
        for element, item in items_by_element(value, rule).items():
            node[element] = {}
            if rule.topology == "map":
                node[element] = {**_nested(item, item_rule, True, schema), ".": {}}
                node[element] = dict(sorted(node[element].items())) if len(node[element]) > 1 else {}
    if not node:
        return {}
    if comes:
        node["."] = {}
    return dict(sorted(node.items()))


def from_fields_v1(fields: Mapping[str, Any] | None) -> Paths:
    """The set that a fieldsV1 document writes down. Elements of kinds unknown to us are kept as they are."""
    return frozenset(_walk(fields or {}, ()))


def _walk(node: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for key, child in node.items():
        if key == ".":
            yield path
        elif not child:
            yield (*path, key)
        else:
            yield from _walk(child, (*path, key))


def is_in_fields_v1(path: Path, fields: Mapping[str, Any]) -> bool:
    """Whether a path is in the set that a fieldsV1 document writes down."""
    node = fields
    for element in path:
        found = node.get(element)
        if found is None:
            return False
        node = found
    return not node or "." in node


def path_text(path: Path) -> str:
    """A path as conflicts show it: `.spec.containers[name="web"].image`."""
    shown = ""
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "k":
            shown += "[" + ",".join(f"{key}={_compact(value)}" for key, value in json.loads(rest).items()) + "]"
        elif kind == "v":
            shown += f"[={rest}]"
        elif kind == "i":
            shown += f"[{rest}]"
        else:
            shown += f".{rest}"
    return shown

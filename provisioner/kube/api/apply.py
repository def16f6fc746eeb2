"""Server-side apply: a manager says what it wants set, and owns that; what it no longer says is unset unless others own it too.

Works on plain documents with the API's names. Conflicts (fields that somebody else set to another value) are 409 unless forced.
Source: Kubernetes' documentation of server-side apply, and the list types of the API.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from provisioner.kube.api import last_applied
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.field_sets import (
    EMPTY,
    Path,
    Paths,
    Schema,
    compare,
    is_leaf,
    item_element,
    items_by_element,
    path_text,
    paths_of,
)
from provisioner.kube.api.managed_fields import UPDATE, Entry, Manager, read, within, write
from provisioner.kube.api.merge_rules import FieldRule

# Who owns the fields of an object that nobody tracked before it was first applied to.
BEFORE = "before-first-apply"


def apply(
    live: Mapping[str, Any] | None,
    wanted: Mapping[str, Any],
    manager: Manager,
    schema: Schema,
    *,
    now: str,
    force: bool = False,
    has_status: bool = True,
) -> dict[str, Any]:
    """The object after applying `wanted` to `live` (None: it is created), with its managedFields. Raises StatusError 409.

    When nothing changes, the answer equals `live`, times included.
    """
    paths = within(paths_of(wanted, schema), manager.subresource, has_status=has_status)
    if live is None:
        made = copy.deepcopy(dict(wanted))
        write(made, [Entry(manager, paths, now)])
        return made
    wanted = {key: value for key, value in wanted.items() if _counts(key, manager.subresource, has_status)}
    entries = _known(live, manager.api_version, schema, has_status=has_status)
    mine = next((e for e in entries if e.manager.identity == manager.identity), Entry(manager, EMPTY))
    others = [e for e in entries if e is not mine]
    merged: dict[str, Any] = merge(live, wanted, schema.root, schema)
    kept = paths.union(*(e.paths for e in others))
    merged = _without(merged, schema.root, (), mine.paths - kept, kept, schema)
    difference = compare(live, merged, schema)
    changed = difference.set_now
    conflicts = [(e.manager, e.time, path) for e in others for path in sorted(e.paths & changed)]
    if conflicts and not force:
        if manager.name == last_applied.KUBECTL:
            borne = last_applied.unchanged(live, schema)
            conflicts = [conflict for conflict in conflicts if conflict[2] not in borne]
        if conflicts:
            raise _conflict(conflicts)
    if manager.name == last_applied.KUBECTL and not manager.subresource:
        last_applied.note(merged, wanted)
    others = [e.owning(e.paths - changed - difference.removed) for e in others]
    same = paths == mine.paths and not difference
    write(merged, [*others, Entry(manager, paths, mine.time if same else now)])
    return merged


def _counts(key: str, subresource: str, has_status: bool) -> bool:
    """Whether a part is for this request: what isn't is no wish, and no conflict."""
    if subresource == "status":
        return key in ("apiVersion", "kind", "metadata", "status")
    return key != "status" or not has_status


def _known(live: Mapping[str, Any], api_version: str, schema: Schema, *, has_status: bool) -> list[Entry]:
    entries = read(live)
    if entries:
        return entries
    created = (live.get("metadata") or {}).get("creationTimestamp")
    before = Manager(BEFORE, UPDATE, api_version)
    return [Entry(before, within(paths_of(live, schema), "", has_status=has_status), created)]


def _conflict(conflicts: list[tuple[Manager, str | None, Path]]) -> StatusError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {_shown(m, time)}", "field": path_text(p)} for m, time, p in conflicts
    ]
    if len(conflicts) == 1:
        manager, time, path = conflicts[0]
        message = f"Apply failed with 1 conflict: conflict with {_shown(manager, time)}: {path_text(path)}"
    else:
        lines = []
        for name in sorted({_shown(manager, time) for manager, time, _ in conflicts}):
            lines.append(f"conflicts with {name}:")
            lines += [f"- {path_text(path)}" for manager, time, path in conflicts if _shown(manager, time) == name]
        message = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
    return StatusError(409, "Conflict", message, {"causes": causes})


def _shown(manager: Manager, time: str | None) -> str:
    shown = f'"{manager.name}"'
    if manager.subresource:
        shown += f' with subresource "{manager.subresource}"'
    if manager.operation == UPDATE:
        shown += f" using {manager.api_version}" + (f" at {time}" if time else "")
    return shown


# -- merging ---------------------------------------------------------------------------------------------------------------


def merge(live: Any, wanted: Any, rule: FieldRule | None, schema: Schema) -> Any:
    """`live` with what is wanted set: granular parts merge, atomic ones are replaced."""
    if type(live) is not type(wanted) or is_leaf(wanted, rule):
        return copy.deepcopy(wanted)
    if isinstance(wanted, dict):
        merged = dict(live)
        for key, value in wanted.items():
            merged[key] = merge(live[key], value, schema.child(rule, key), schema) if key in live else copy.deepcopy(value)
        return merged
    assert rule is not None
    before, after = items_by_element(live, rule), items_by_element(wanted, rule)
    item_rule = schema.item(rule) if rule.topology == "map" else None
    result = {element: merge(before[element], item, item_rule, schema) if element in before else item for element, item in after.items()}
    return [result[e] if e in result else before[e] for e in _interleaved(list(before), list(after))]


def _interleaved(live: list[str], wanted: list[str]) -> list[str]:
    """Wanted items in their order; those that are only live stay behind what they followed."""
    asked = set(wanted)
    order: list[str] = []
    position = 0
    for element in live:
        if element not in asked:
            order.append(element)
        elif element not in order:
            # All wanted up to and with this one, unless they came already.
            until = wanted.index(element) + 1
            order += [e for e in wanted[position:until] if e not in order]
            position = max(position, until)
    return order + [e for e in wanted[position:] if e not in order]


# -- pruning ---------------------------------------------------------------------------------------------------------------


def _without(value: Any, rule: FieldRule | None, path: Path, gone: Paths, kept: Paths, schema: Schema) -> Any:
    """The value without the paths in `gone`; of a part that goes, what is in `kept` stays. Parts that become empty go too."""
    if not gone:
        return value
    parents = frozenset(p[:length] for p in gone for length in range(len(p)))
    return _pruned(value, rule, path, _Pruning(gone, kept, parents, frozenset(p[:n] for p in kept for n in range(len(p) + 1)), schema))


class _Pruning:
    """What goes and what stays; `gone_parents` and `kept_parents` are all beginnings of their paths."""

    def __init__(self, gone: Paths, kept: Paths, gone_parents: Paths, kept_parents: Paths, schema: Schema) -> None:
        self.gone, self.kept, self.gone_parents, self.kept_parents, self.schema = gone, kept, gone_parents, kept_parents, schema


def _pruned(value: Any, rule: FieldRule | None, path: Path, plan: _Pruning) -> Any:
    if path not in plan.gone_parents or is_leaf(value, rule):
        return value
    if isinstance(value, dict):
        made = {}
        for key, item in value.items():
            here, child = (*path, f"f:{key}"), plan.schema.child(rule, key)
            after = _left(item, child, here, plan)
            if after is not _GONE:
                made[key] = after
        return made
    assert rule is not None
    item_rule = plan.schema.item(rule) if rule.topology == "map" else None
    left = []
    for item in value:
        after = _left(item, item_rule, (*path, item_element(item, rule)), plan)
        if after is not _GONE:
            left.append({**{k: item[k] for k in rule.map_keys if k in item}, **after} if isinstance(after, dict) else after)
    return left


_GONE = object()


def _left(item: Any, rule: FieldRule | None, path: Path, plan: _Pruning) -> Any:
    """What is left of a member."""
    if path in plan.gone:
        return _only_kept(item, rule, path, plan) if path in plan.kept_parents else _GONE
    after = _pruned(item, rule, path, plan)
    return _GONE if after in ({}, []) and item not in ({}, []) else after


def _only_kept(value: Any, rule: FieldRule | None, path: Path, plan: _Pruning) -> Any:
    """The parts of a value that somebody still owns."""
    if is_leaf(value, rule):
        return value
    if isinstance(value, dict):
        members = {key: (plan.schema.child(rule, key), (*path, f"f:{key}")) for key in value}
        return {key: _only_kept(value[key], r, here, plan) for key, (r, here) in members.items() if here in plan.kept_parents}
    assert rule is not None
    item_rule = plan.schema.item(rule) if rule.topology == "map" else None
    kept = []
    for item in value:
        here = (*path, item_element(item, rule))
        if here in plan.kept_parents:
            part = _only_kept(item, item_rule, here, plan)
            kept.append({**{k: item[k] for k in rule.map_keys if k in item}, **part} if isinstance(part, dict) else part)
    return kept

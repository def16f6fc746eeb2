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
    Schema,
    all_paths_of,
    compare,
    fields_v1_of,
    from_fields_v1,
    is_leaf,
    items_by_element,
    path_text,
    paths_of,
)
from provisioner.kube.api.managed_fields import UPDATE, Entry, Manager, read, within, write
from provisioner.kube.api.merge_rules import FieldRule
from provisioner.kube.api.pruning import Emptied, prune

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
    kept = all_paths_of(wanted, schema).union(*(e.paths for e in others))
    emptied: Emptied = []
    if mine.paths - kept:
        merged, emptied = prune(merged, mine.paths, kept, schema)
    difference = compare(live, merged, schema)
    for holder, key in emptied:
        del holder[key]
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
    return [Entry(before, within(from_fields_v1(fields_v1_of(live, schema)), "", has_status=has_status), created)]


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
    """`live` with what is wanted set: granular parts merge, atomic ones are replaced; null adds nothing to what holds something."""
    if wanted is None and live and not is_leaf(live, rule):
        return live
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

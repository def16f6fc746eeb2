"""metadata.managedFields: who set which fields, one entry for each manager, operation, version and subresource; and updates' part in it.

Works on plain documents with the API's names. Server-side apply is in `apply`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from provisioner.kube.api.field_sets import (
    EMPTY,
    Difference,
    Paths,
    Schema,
    compare,
    fields_v1_of,
    from_fields_v1,
    is_in_fields_v1,
    to_fields_v1,
)

APPLY, UPDATE = "Apply", "Update"
# How many managers an object remembers that only update it; the older ones become one.
MAX_UPDATERS = 10
ANCIENT = "ancient-changes"


class Manager(NamedTuple):
    """Who writes. `subresource` is "" for the object itself. Those who apply are the same manager in every version."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        return (self.name, self.operation, "" if self.operation == APPLY else self.api_version, self.subresource)


@dataclass(slots=True)
class Entry:
    """A manager's fields, and when they last changed (RFC 3339, None where nobody wrote it down). `read_from` is what says just that."""

    manager: Manager
    paths: Paths
    time: str | None = None
    read_from: dict[str, Any] | None = field(default=None, compare=False)

    def owning(self, paths: Paths) -> Entry:
        """The same manager with other fields."""
        return self if paths == self.paths else Entry(self.manager, paths, self.time)

    def to_dict(self) -> dict[str, Any]:
        if self.read_from is not None:
            return self.read_from
        manager = self.manager
        made = {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": manager.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields_v1(self.paths),
            "subresource": manager.subresource,
        }
        return {key: value for key, value in made.items() if value not in (None, "")}


def manager_of(entry: Mapping[str, Any]) -> Manager:
    """Whose an entry of managedFields is."""
    return Manager(
        entry.get("manager") or "", entry.get("operation") or UPDATE, entry.get("apiVersion") or "", entry.get("subresource") or ""
    )


def read(document: Mapping[str, Any]) -> list[Entry]:
    """The entries of an object."""
    found = []
    for entry in (document.get("metadata") or {}).get("managedFields") or ():
        found.append(Entry(manager_of(entry), from_fields_v1(entry.get("fieldsV1")), entry.get("time"), entry))
    return found


def write(document: dict[str, Any], entries: Iterable[Entry]) -> None:
    """Set the object's entries: those who apply first, then by time and name; without those who own nothing."""
    kept = sorted((e for e in _capped(list(entries)) if e.paths), key=lambda e: (e.manager.operation, e.time or "", e.manager.name))
    metadata = {key: value for key, value in (document.get("metadata") or {}).items() if key != "managedFields"}
    if kept:
        metadata["managedFields"] = [entry.to_dict() for entry in kept]
    document["metadata"] = metadata


def _capped(entries: list[Entry]) -> list[Entry]:
    updaters = [e for e in entries if e.manager.operation == UPDATE and e.paths and not e.manager.subresource]
    if len(updaters) <= MAX_UPDATERS:
        return entries
    oldest = sorted(updaters, key=lambda e: e.time or "")[: len(updaters) - MAX_UPDATERS + 1]
    last = oldest[-1]
    merged = Entry(last.manager._replace(name=ANCIENT), EMPTY.union(*(e.paths for e in oldest)), last.time)
    return [e for e in entries if e not in oldest] + [merged]


def within(paths: Paths, subresource: str, *, has_status: bool) -> Paths:
    """What a request may own: through `status` that and what metadata it writes, otherwise all but the status where it is a subresource."""
    if subresource == "status":
        return frozenset(p for p in paths if p[0] in ("f:metadata", "f:status"))
    return frozenset(p for p in paths if p[0] != "f:status") if has_status else paths


def given(new: Mapping[str, Any], old: Mapping[str, Any], subresource: str) -> Mapping[str, Any]:
    """Whose entries an update starts from: those it brings, so that owners can be moved to another manager, or those of the object as it is
    where it brings none, or none that can be read, or speaks of a part only."""
    brought = (new.get("metadata") or {}).get("managedFields")
    if not brought or subresource or brought == (old.get("metadata") or {}).get("managedFields"):
        return old
    readable = all(
        entry.get("operation") in (APPLY, UPDATE)
        and entry.get("fieldsType") == "FieldsV1"
        and entry.get("apiVersion")
        and _is_set(entry.get("fieldsV1") or {})
        for entry in brought
    )
    return new if readable else old


def _is_set(node: Any) -> bool:
    return isinstance(node, dict) and all(map(_is_set, node.values()))


def is_reset(document: Mapping[str, Any]) -> bool:
    """Whether a client asks to forget who owns what: managedFields with one empty entry."""
    return (document.get("metadata") or {}).get("managedFields") == [{}]


def track(
    new: dict[str, Any], old: Mapping[str, Any] | None, manager: Manager, schema: Schema, *, now: str, has_status: bool = True
) -> None:
    """Write into `new` who owns what after a create (old None) or an update: the manager owns what it changed, nobody what is gone."""
    if is_reset(new):
        write(new, ())
        return
    if old is None:
        _own_all(new, manager, schema, now=now, has_status=has_status)
        return
    difference = compare(old, new, schema)
    source = given(new, old, manager.subresource)
    if _as_before(source, manager, difference):
        metadata = {key: value for key, value in (new.get("metadata") or {}).items() if key != "managedFields"}
        if known := (source.get("metadata") or {}).get("managedFields"):
            metadata["managedFields"] = known
        new["metadata"] = metadata
        return
    before = read(source)
    entries = []
    mine = Entry(manager, EMPTY)
    for entry in before:
        if entry.manager.identity == manager.identity:
            mine = entry
        elif difference:
            entries.append(entry.owning(entry.paths - difference.set_now - difference.removed))
        else:
            entries.append(entry)
    paths = within((mine.paths - difference.removed) | difference.set_now, manager.subresource, has_status=has_status)
    entries.append(mine if paths == mine.paths else Entry(manager, paths, now))
    write(new, entries)


def _as_before(old: Mapping[str, Any], manager: Manager, difference: Difference) -> bool:
    """Whether an update leaves owners as they are, as most do: it has changed only values of fields that were its manager's alone."""
    if difference.added or difference.removed:
        return False
    entries = (old.get("metadata") or {}).get("managedFields") or ()
    owned_by = [(manager_of(entry).identity == manager.identity, entry.get("fieldsV1") or {}) for entry in entries]
    alone = all(is_in_fields_v1(path, fields) == is_mine for path in difference.modified for is_mine, fields in owned_by)
    return alone and (not difference.modified or any(is_mine for is_mine, _ in owned_by))


def _own_all(new: dict[str, Any], manager: Manager, schema: Schema, *, now: str, has_status: bool) -> None:
    """The same as `track` comes to where there was nothing before, without sets of paths: creating must be cheap."""
    if manager.subresource:
        write(new, [Entry(manager, within(compare({}, new, schema).set_now, manager.subresource, has_status=has_status), now)])
        return
    fields = fields_v1_of(new, schema, without=frozenset({"status"}) if has_status else frozenset())
    metadata = {key: value for key, value in (new.get("metadata") or {}).items() if key != "managedFields"}
    if fields:
        metadata["managedFields"] = [Entry(manager, EMPTY, now).to_dict() | {"fieldsV1": fields}]
    new["metadata"] = metadata

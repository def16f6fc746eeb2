"""Tables (meta.k8s.io Table): the rows that kubectl prints, made by the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api.tables import completion, order
from provisioner.kube.apiserver import negotiation
from provisioner.kube.apiserver.kinds import Kind


def table(
    kind: Kind,
    objects: Sequence[bytes],
    now: datetime,
    query: Mapping[str, str],
    meta_version: str,
    metadata: Mapping[str, Any] | None = None,
    *,
    columns: bool = True,
) -> bytes:
    """An encoded Table. Raises 400.

    `metadata` is a list's; the table of one object has that object's version.
    """
    include = included(query)
    decoded = [kind.load(data) for data in objects]
    if (key := order(kind.resource)) is not None:
        places = sorted(range(len(decoded)), key=lambda place: key(decoded[place]))
        decoded, objects = [decoded[place] for place in places], [objects[place] for place in places]
    described, rows = kind.table(decoded, now)
    made: list[dict[str, Any]] = []
    for cells, obj, data in zip(rows, decoded, objects, strict=True):
        row: dict[str, Any] = {"cells": cells}
        if ended := completion(obj):
            row["conditions"] = ended
        if include == "Metadata":
            row["object"] = msgspec.Raw(negotiation.partial_metadata(data, meta_version))
        elif include == "Object":
            row["object"] = msgspec.Raw(kind.shown(data))
        made.append(row)
    if metadata is None:
        version = decoded[0].metadata.resource_version if decoded else None
        metadata = {"resourceVersion": version} if version else {}
    return _encoded(meta_version, metadata, described if columns else None, made)


def included(query: Mapping[str, str]) -> str:
    """What each row carries (`includeObject`): its object's Metadata (the default), the Object, or None of it. Raises 400."""
    include = query.get("includeObject") or "Metadata"
    if include not in ("Metadata", "Object", "None"):
        wrong = errors.invalid_value("includeObject", include, "must be 'Metadata', 'Object', 'None', or empty")
        raise errors.bad_request(f"Unable to convert to Table as requested: {wrong}")
    return include


def _encoded(
    meta_version: str, metadata: Mapping[str, Any], columns: list[dict[str, Any]] | None, rows: Sequence[Mapping[str, Any]]
) -> bytes:
    return msgspec.json.encode(
        {"kind": "Table", "apiVersion": f"meta.k8s.io/{meta_version}", "metadata": metadata, "columnDefinitions": columns, "rows": rows}
    )

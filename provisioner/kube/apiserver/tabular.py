"""Tables (meta.k8s.io Table): the rows that kubectl prints, made by the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from provisioner.kube.apiserver import negotiation
from provisioner.kube.apiserver.kinds import Kind


def table(
    kind: Kind,
    objects: Sequence[bytes],
    now: datetime,
    query: Mapping[str, str],
    version: str,
    continue_: str,
    remaining: int | None,
    *,
    columns: bool = True,
) -> bytes:
    """An encoded Table. `includeObject` says what each row carries: its metadata (the default), the object, or nothing."""
    decoded = [kind.load(data) for data in objects]
    described, rows = kind.table(decoded, now)
    include = query.get("includeObject") or "Metadata"
    made: list[dict[str, Any]] = []
    for cells, data in zip(rows, objects, strict=True):
        row: dict[str, Any] = {"cells": cells}
        if include == "Metadata":
            row["object"] = msgspec.Raw(negotiation.partial_metadata(data, "v1"))
        elif include == "Object":
            row["object"] = msgspec.Raw(kind.shown(data))
        made.append(row)
    metadata: dict[str, Any] = {}
    if version or objects:
        metadata["resourceVersion"] = version or str(decoded[0].metadata.resource_version or "")
    if continue_:
        metadata["continue"] = continue_
    if remaining is not None:
        metadata["remainingItemCount"] = remaining
    return msgspec.json.encode(
        {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "columnDefinitions": described if columns else None,
            "rows": made,
        }
    )

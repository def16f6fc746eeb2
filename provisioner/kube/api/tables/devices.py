"""Tables of dynamic resource allocation: device classes, claims, slices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api.tables.columns import Printer, age, columns

GROUP = "resource.k8s.io"


def _state(obj: Any) -> str:
    states = ["deleted"] if obj.metadata.deletion_timestamp else []
    if obj.status is None or obj.status.allocation is None:
        return ",".join(states) or "pending"
    states.append("allocated")
    if obj.status.reserved_for:
        states.append("reserved")
    return ",".join(states)


def _claim(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, _state(obj), age(obj, now)]


def _named(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, age(obj, now)]


def _slice(obj: Any, now: datetime) -> list[Any]:
    spec = obj.spec
    pool = (spec.pool.name if spec.pool is not None else None) or ""
    return [obj.metadata.name, spec.node_name or "", spec.driver or "", pool, age(obj, now)]


PRINTERS = {
    (GROUP, "DeviceClass"): Printer(columns("Name", "Age"), _named),
    (GROUP, "ResourceClaimTemplate"): Printer(columns("Name", "Age"), _named),
    (GROUP, "ResourceClaim"): Printer(columns("Name", "State", "Age"), _claim),
    (GROUP, "ResourceSlice"): Printer(columns("Name", "Node", "Driver", "Pool", "Age"), _slice),
}

"""The nodes' table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.meta import condition
from provisioner.kube.api.tables import AGE, NAME, NONE, Cells, Column, age

ROLE = "node-role.kubernetes.io/"


def node(obj: core_v1.Node, now: datetime) -> list[Any]:
    ready = condition(obj.status.conditions, "Ready")
    status = "Unknown" if ready is None else "Ready" if ready.status == "True" else "NotReady"
    if obj.spec.unschedulable:
        status += ",SchedulingDisabled"
    labels = obj.metadata.labels or {}
    roles = {key.removeprefix(ROLE) for key in labels if key.startswith(ROLE)} | {v for k, v in labels.items() if k == "kubernetes.io/role"}
    addresses = {a.type: a.address for a in reversed(obj.status.addresses or [])}
    info = obj.status.node_info or core_v1.NodeSystemInfo()
    return [
        obj.metadata.name,
        status,
        ",".join(sorted(r for r in roles if r)) or NONE,
        age(obj.metadata.creation_timestamp, now),
        info.kubelet_version or "",
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.os_image or "<unknown>",
        info.kernel_version or "<unknown>",
        info.container_runtime_version or "<unknown>",
    ]


TABLES: dict[str, tuple[tuple[Column, ...], Cells]] = {
    "Node": (
        (
            NAME,
            Column("Status"),
            Column("Roles"),
            AGE,
            Column("Version"),
            *(Column(name, priority=1) for name in ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")),
        ),
        node,
    )
}

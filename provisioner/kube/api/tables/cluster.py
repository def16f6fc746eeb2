"""Tables of nodes, namespaces, events, configuration, accounts, leases and storage migrations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.meta import condition
from provisioner.kube.api.tables.columns import NONE, UNKNOWN, Printer, age, columns, since

ROLE_PREFIX = "node-role.kubernetes.io/"


def _node_status(obj: core_v1.Node) -> str:
    ready = condition(obj.status.conditions, "Ready")
    shown = "Unknown" if ready is None else "Ready" if ready.status == "True" else "NotReady"
    return f"{shown},SchedulingDisabled" if obj.spec.unschedulable else shown


def _roles(obj: core_v1.Node) -> str:
    found = set()
    for key, value in (obj.metadata.labels or {}).items():
        if key.startswith(ROLE_PREFIX):
            found.add(key.removeprefix(ROLE_PREFIX))
        elif key == "kubernetes.io/role" and value:
            found.add(value)
    return ",".join(sorted(found - {""})) or NONE


def _node_address(obj: core_v1.Node, kind: str) -> str:
    return next((a.address for a in obj.status.addresses or () if a.type == kind and a.address), NONE)


def _kernel(info: core_v1.NodeSystemInfo | None) -> str:
    """The kernel's version and what it was built for."""
    version = (info.kernel_version if info is not None else None) or UNKNOWN
    return f"{version} ({info.architecture})" if info is not None and info.architecture else version


def _node(obj: core_v1.Node, now: datetime) -> list[Any]:
    info = obj.status.node_info
    return [
        obj.metadata.name,
        _node_status(obj),
        _roles(obj),
        age(obj, now),
        (info.kubelet_version if info is not None else None) or "",
        _node_address(obj, "InternalIP"),
        _node_address(obj, "ExternalIP"),
        (info.os_image if info is not None else None) or UNKNOWN,
        _kernel(info),
        (info.container_runtime_version if info is not None else None) or UNKNOWN,
    ]


def _namespace(obj: core_v1.Namespace, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.status.phase or "", age(obj, now)]


def _configmap(obj: core_v1.ConfigMap, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.data or {}) + len(obj.binary_data or {}), age(obj, now)]


def _secret(obj: core_v1.Secret, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.type or "", len(obj.data or {}), age(obj, now)]


def _account(obj: core_v1.ServiceAccount, now: datetime) -> list[Any]:
    return [obj.metadata.name, len(obj.secrets or ()), age(obj, now)]


def _lease(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.spec.holder_identity or "", age(obj, now)]


def _candidate(obj: Any, now: datetime) -> list[Any]:
    spec = obj.spec
    return [obj.metadata.name, spec.lease_name or "", spec.binary_version or "", spec.emulation_version or "", age(obj, now)]


def _migration(obj: Any, now: datetime) -> list[Any]:
    wanted = obj.spec.resource
    return [obj.metadata.name, ".".join(part for part in (wanted.resource, wanted.group) if part) if wanted is not None else ""]


def _component(obj: core_v1.ComponentStatus, now: datetime) -> list[Any]:
    healthy = condition(obj.conditions, "Healthy")
    if healthy is None:
        return [obj.metadata.name, "Unknown", "", ""]
    return [obj.metadata.name, "Healthy" if healthy.status == "True" else "Unhealthy", healthy.message or "", healthy.error or ""]


def _event(obj: Any, now: datetime) -> list[Any]:
    """Events of both API groups, whose fields have different names."""
    newer = not isinstance(obj, core_v1.Event)
    about = obj.regarding if newer else obj.involved_object
    source = obj.deprecated_source if newer else obj.source
    first = (obj.deprecated_first_timestamp if newer else obj.first_timestamp) or obj.event_time
    last = (obj.deprecated_last_timestamp if newer else obj.last_timestamp) or first
    count = (obj.deprecated_count if newer else obj.count) or 1
    if obj.series is not None:
        last, count = obj.series.last_observed_time, obj.series.count or 0
    component = (source.component if source is not None else None) or (obj.reporting_controller if newer else obj.reporting_component)
    host = (source.host if source is not None else None) or obj.reporting_instance
    kind = ((about.kind if about is not None else None) or "").lower()
    name = (about.name if about is not None else None) or ""
    return [
        since(last, now),
        obj.type or "",
        obj.reason or "",
        f"{kind}/{name}" if name else kind,
        (about.field_path if about is not None else None) or "",
        ", ".join(text for text in (component, host) if text),
        ((obj.note if newer else obj.message) or "").strip(),
        since(first, now),
        count,
        obj.metadata.name,
    ]


_EVENTS = Printer(
    columns("Last Seen", "Type", "Reason", "Object", "Subobject+", "Source+", "Message", "First Seen+", "Count+", "Name+"),
    _event,
)

PRINTERS = {
    ("", "Node"): Printer(
        columns(
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "Internal-IP+",
            "External-IP+",
            "OS-Image+",
            "Kernel-Version+",
            "Container-Runtime+",
        ),
        _node,
    ),
    ("", "Namespace"): Printer(columns("Name", "Status", "Age"), _namespace),
    ("", "Event"): _EVENTS,
    ("events.k8s.io", "Event"): _EVENTS,
    ("", "ConfigMap"): Printer(columns("Name", "Data", "Age"), _configmap),
    ("", "Secret"): Printer(columns("Name", "Type", "Data", "Age"), _secret),
    ("", "ServiceAccount"): Printer(columns("Name", "Secrets", "Age"), _account),
    ("", "ComponentStatus"): Printer(columns("Name", "Status", "Message", "Error"), _component),
    ("coordination.k8s.io", "Lease"): Printer(columns("Name", "Holder", "Age"), _lease),
    ("storagemigration.k8s.io", "StorageVersionMigration"): Printer(columns("Name:string:", "Resource"), _migration),
    ("coordination.k8s.io", "LeaseCandidate"): Printer(
        columns("Name", "LeaseName", "BinaryVersion", "EmulationVersion", "Age"), _candidate
    ),
}

"""Tables of nodes, namespaces, events, configuration, accounts and leases."""

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
        (info.kernel_version if info is not None else None) or UNKNOWN,
        (info.architecture if info is not None else None) or UNKNOWN,
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


def _component(obj: core_v1.ComponentStatus, now: datetime) -> list[Any]:
    healthy = condition(obj.conditions, "Healthy")
    if healthy is None:
        return [obj.metadata.name, "Unknown", "", ""]
    status = {"True": "Healthy", "False": "Unhealthy"}.get(healthy.status or "", "Unknown")
    return [obj.metadata.name, status, healthy.message or "", healthy.error or ""]


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
        f"{kind}/{name}" if kind else name,
        (about.field_path if about is not None else None) or "",
        ", ".join(text for text in (component, host) if text),
        ((obj.note if newer else obj.message) or "").strip(),
        since(first, now),
        count,
        obj.metadata.name,
    ]


_EVENTS = Printer(
    columns("Last Seen", "Type", "Reason", "Object", "Subobject+", "Source+", "Message", "First Seen+", "Count:integer+", "Name+"),
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
            "Arch+",
            "Container-Runtime+",
        ),
        _node,
    ),
    ("", "Namespace"): Printer(columns("Name", "Status", "Age"), _namespace),
    ("", "Event"): _EVENTS,
    ("events.k8s.io", "Event"): _EVENTS,
    ("", "ConfigMap"): Printer(columns("Name", "Data:integer", "Age"), _configmap),
    ("", "Secret"): Printer(columns("Name", "Type", "Data:integer", "Age"), _secret),
    ("", "ServiceAccount"): Printer(columns("Name", "Secrets:integer", "Age"), _account),
    ("", "ComponentStatus"): Printer(columns("Name", "Status", "Message", "Error"), _component),
    ("coordination.k8s.io", "Lease"): Printer(columns("Name", "Holder", "Age"), _lease),
}

"""Tables: the columns and cells that `kubectl get` prints for each kind, as upstream's server makes them. Pure.

A kind's module gives its columns and a function from an object to its cells; kinds without one show Name and Created At.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, NamedTuple

from provisioner.kube.api._generated.resources import Resource
from provisioner.kube.api.meta import parse_time

UNKNOWN = "<unknown>"
NONE = "<none>"


class Column(NamedTuple):
    """`priority` 1 shows with -o wide only. `format` is name for the object's name."""

    name: str
    type: str = "string"
    priority: int = 0
    format: str = ""


Cells = Callable[[Any, datetime], list[Any]]
NAME = Column("Name", format="name")
AGE = Column("Age")

# (group, kind) -> module of this package
_MODULES = {
    ("", "Pod"): "pods",
    ("", "Node"): "nodes",
    ("", "Service"): "services",
    ("", "Endpoints"): "services",
    ("discovery.k8s.io", "EndpointSlice"): "services",
    ("networking.k8s.io", "Ingress"): "services",
    ("networking.k8s.io", "NetworkPolicy"): "services",
    ("apps", "Deployment"): "workloads",
    ("apps", "ReplicaSet"): "workloads",
    ("apps", "DaemonSet"): "workloads",
    ("apps", "StatefulSet"): "workloads",
    ("", "ReplicationController"): "workloads",
    ("batch", "Job"): "workloads",
    ("batch", "CronJob"): "workloads",
    **{
        ("", kind): "cluster"
        for kind in ("Namespace", "Event", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolume", "PersistentVolumeClaim")
    },
    ("events.k8s.io", "Event"): "cluster",
    ("storage.k8s.io", "StorageClass"): "cluster",
    ("coordination.k8s.io", "Lease"): "cluster",
    ("scheduling.k8s.io", "PriorityClass"): "cluster",
    ("policy", "PodDisruptionBudget"): "cluster",
    ("certificates.k8s.io", "CertificateSigningRequest"): "cluster",
    ("rbac.authorization.k8s.io", "RoleBinding"): "cluster",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "cluster",
    ("rbac.authorization.k8s.io", "Role"): "cluster",
    ("rbac.authorization.k8s.io", "ClusterRole"): "cluster",
}


def table(resource: Resource, objects: Sequence[Any], *, now: datetime) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """(column definitions, cells of each object)."""
    module = _MODULES.get((resource.group, resource.kind))
    if module is None:
        columns: Sequence[Column] = (NAME, Column("Created At", "date"))
        cells: Cells = _plain
    else:
        columns, cells = import_module(f"provisioner.kube.api.tables.{module}").TABLES[resource.kind]
    described = [{"name": c.name, "type": c.type, "format": c.format, "description": "", "priority": c.priority} for c in columns]
    return described, [cells(obj, now) for obj in objects]


def _plain(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.metadata.creation_timestamp]


def age(timestamp: str | None, now: datetime) -> str:
    """How long ago, in upstream's short form (duration.HumanDuration)."""
    moment = parse_time(timestamp)
    return UNKNOWN if moment is None else human(int((now - moment).total_seconds()))


def human(seconds: int) -> str:
    """5s, 90s, 3m12s, 45m, 5h12m, 26h, 3d4h, 45d, 2y30d: two units while they matter."""
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 120:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 10:
        rest = seconds % 60
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = seconds // 3600
    if hours < 8:
        rest = minutes % 60
        return f"{hours}h{rest}m" if rest else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    days = hours // 24
    if days < 8:
        rest = hours % 24
        return f"{days}d{rest}h" if rest else f"{days}d"
    if days < 730:
        return f"{days}d"
    years, rest = divmod(days, 365)
    return f"{years}y{rest}d" if years < 8 and rest else f"{years}y"


def selector_text(selector: Any) -> str:
    """A selector as kubectl shows it."""
    from provisioner.kube.api.selectors import from_struct

    if not selector:
        return NONE
    if isinstance(selector, dict):
        return ",".join(f"{k}={v}" for k, v in sorted(selector.items()))
    return str(from_struct(selector)) or NONE


def images(spec: Any) -> tuple[str, str]:
    """(container names, their images), each joined by commas."""
    containers = spec.containers or ()
    return ",".join(c.name or "" for c in containers), ",".join(c.image or "" for c in containers)

"""Tables: what `kubectl get` shows, made by the server (meta.k8s.io/v1 Table), with upstream's columns kind by kind.

`table` gives column definitions and rows; columns of priority 1 are those of `-o wide`. A kind that nobody wrote columns for has its name and
when it was created. One module a family of kinds, imported when its first table is asked for; each has PRINTERS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api._generated.resources import Resource
from provisioner.kube.api.tables.columns import Printer, columns

# group -> modules of this package whose PRINTERS have its kinds
_MODULES: dict[str, tuple[str, ...]] = {
    "": ("pods", "workloads", "services", "cluster", "storage", "policy"),
    "apps": ("workloads",),
    "batch": ("workloads",),
    "autoscaling": ("autoscaling",),
    "policy": ("policy",),
    "networking.k8s.io": ("services",),
    "discovery.k8s.io": ("services",),
    "rbac.authorization.k8s.io": ("rbac",),
    "certificates.k8s.io": ("certificates",),
    "coordination.k8s.io": ("cluster",),
    "events.k8s.io": ("cluster",),
    "node.k8s.io": ("policy",),
    "scheduling.k8s.io": ("policy",),
    "storage.k8s.io": ("storage",),
    "storagemigration.k8s.io": ("cluster",),
    "admissionregistration.k8s.io": ("admission",),
    "apiregistration.k8s.io": ("admission",),
    "flowcontrol.apiserver.k8s.io": ("admission",),
    "resource.k8s.io": ("devices",),
}


_ENDED = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}


def table(resource: Resource, objs: Sequence[Any], *, now: datetime) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """(columnDefinitions, the cells of each object). `now` is what ages are counted from."""
    printer = _printer(resource.group, resource.kind)
    return list(printer.columns), [printer.row(obj, now) for obj in objs]


def order(resource: Resource) -> Callable[[Any], Any] | None:
    """What a kind's rows are sorted by; None: they are as the list is."""
    return _printer(resource.group, resource.kind).order


def completion(obj: Any) -> list[dict[str, str]]:
    """A row's conditions: that a pod has ended, and how."""
    phase = obj.status.phase if isinstance(obj, core_v1.Pod) else None
    message = _ENDED.get(phase or "")
    return [{"type": "Completed", "status": "True", "reason": phase or "", "message": message}] if message else []


def _printer(group: str, kind: str) -> Printer:
    for module in _MODULES.get(group, ()):
        printers: dict[tuple[str, str], Printer] = import_module(f"provisioner.kube.api.tables.{module}").PRINTERS
        if (group, kind) in printers:
            return printers[(group, kind)]
    return _DEFAULT


_DEFAULT = Printer(columns("Name", "Created At:date"), lambda obj, now: [obj.metadata.name, obj.metadata.creation_timestamp])

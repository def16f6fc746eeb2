"""Tables of quotas, disruption budgets, priority classes and runtime classes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.tables.columns import Printer, age, columns


def _quota(obj: core_v1.ResourceQuota, now: datetime) -> list[Any]:
    used = obj.status.used or {}
    requests: list[str] = []
    limits: list[str] = []
    for name, hard in sorted((obj.status.hard or {}).items()):
        shown = f"{name}: {quantity.canonical(used.get(name, '0'))}/{quantity.canonical(hard)}"
        (limits if name.startswith("limits.") else requests).append(shown)
    return [obj.metadata.name, ", ".join(requests), ", ".join(limits), age(obj, now)]


def _budget(obj: Any, now: datetime) -> list[Any]:
    spec = obj.spec
    return [
        obj.metadata.name,
        "N/A" if spec.min_available is None else str(spec.min_available),
        "N/A" if spec.max_unavailable is None else str(spec.max_unavailable),
        obj.status.disruptions_allowed or 0,
        age(obj, now),
    ]


def _priority_class(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.value or 0, bool(obj.global_default), age(obj, now), obj.preemption_policy or ""]


def _runtime_class(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.handler or "", age(obj, now)]


PRINTERS = {
    ("", "ResourceQuota"): Printer(columns("Name", "Request", "Limit", "Age"), _quota),
    ("policy", "PodDisruptionBudget"): Printer(
        columns("Name", "Min Available", "Max Unavailable", "Allowed Disruptions:integer", "Age"), _budget
    ),
    ("scheduling.k8s.io", "PriorityClass"): Printer(
        columns("Name", "Value:integer", "Global-Default:boolean", "Age", "PreemptionPolicy"), _priority_class
    ),
    ("node.k8s.io", "RuntimeClass"): Printer(columns("Name", "Handler", "Age"), _runtime_class),
}

"""Tables of autoscalers (both versions) and of the Scale that scalable kinds answer with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.kube.api import quantity
from provisioner.kube.api.tables.columns import NONE, UNKNOWN, UNSET, Printer, age, columns

# How many metrics are shown before "+ n more...".
SHOWN = 2

_SOURCES = {"Object": "object", "Pods": "pods", "Resource": "resource", "ContainerResource": "container_resource", "External": "external"}


def _metric(spec: Any, status: Any) -> str:
    """`current/target` of one metric, resources with their name before."""
    attribute = _SOURCES.get(spec.type or "", "")
    wanted = getattr(spec, attribute, None) if attribute else None
    if wanted is None:
        return "<unknown type>"
    found = getattr(status, attribute, None) if status is not None else None
    current, target = getattr(found, "current", None), wanted.target
    if spec.type in ("Resource", "ContainerResource"):
        return f"{wanted.name}: {_resource(current, target)}"
    if target is None:
        return UNSET
    if target.average_value is not None:
        behind = "" if spec.type == "Pods" else " (avg)"
        return f"{_amount(current, 'average_value')}/{quantity.canonical(target.average_value)}{behind}"
    return f"{_amount(current, 'value')}/{quantity.canonical(target.value or '0')}"


def _resource(current: Any, target: Any) -> str:
    if target is not None and target.average_value is not None:
        return f"{_amount(current, 'average_value')}/{quantity.canonical(target.average_value)}"
    used = getattr(current, "average_utilization", None)
    shown = UNKNOWN if used is None else f"{used}%"
    wanted = getattr(target, "average_utilization", None)
    return f"{shown}/{'<auto>' if wanted is None else f'{wanted}%'}"


def _amount(current: Any, attribute: str) -> str:
    value = getattr(current, attribute, None)
    return UNKNOWN if value is None else quantity.canonical(value)


def _targets(obj: Any) -> str:
    spec = obj.spec
    if hasattr(spec, "target_cpu_utilization_percentage"):
        wanted, used = spec.target_cpu_utilization_percentage, obj.status.current_cpu_utilization_percentage
        if wanted is None:
            return NONE
        return f"cpu: {UNKNOWN if used is None else f'{used}%'}/{wanted}%"
    statuses = obj.status.current_metrics or []
    shown = [_metric(metric, statuses[i] if i < len(statuses) else None) for i, metric in enumerate(spec.metrics or ())]
    if not shown:
        return NONE
    if len(shown) > SHOWN:
        return f"{', '.join(shown[:SHOWN])} + {len(shown) - SHOWN} more..."
    return ", ".join(shown)


def _autoscaler(obj: Any, now: datetime) -> list[Any]:
    target = obj.spec.scale_target_ref
    return [
        obj.metadata.name,
        f"{target.kind}/{target.name}" if target is not None else "",
        _targets(obj),
        UNSET if obj.spec.min_replicas is None else str(obj.spec.min_replicas),
        obj.spec.max_replicas or 0,
        obj.status.current_replicas or 0,
        age(obj, now),
    ]


def _scale(obj: Any, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.spec.replicas or 0, obj.status.replicas or 0, age(obj, now)]


PRINTERS = {
    ("autoscaling", "HorizontalPodAutoscaler"): Printer(
        columns("Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"), _autoscaler
    ),
    ("autoscaling", "Scale"): Printer(columns("Name:string:", "Desired:integer", "Available:integer", "Age"), _scale),
}

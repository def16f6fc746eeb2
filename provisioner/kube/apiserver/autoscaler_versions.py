"""autoscaling/v1 and the stored v2: v1 knows one metric, CPU utilization; the others, behavior and conditions are kept in annotations, so that
who reads and writes v1 loses nothing. Pure. Source: the API's own annotations `autoscaling.alpha.kubernetes.io/*`.
"""

from __future__ import annotations

from typing import Any

import msgspec

Document = dict[str, Any]

_PREFIX = "autoscaling.alpha.kubernetes.io/"
# (part, v1's field, v2's list, what a metric's numbers are under, the annotation)
_METRICS = (
    ("spec", "targetCPUUtilizationPercentage", "metrics", "target", "metrics"),
    ("status", "currentCPUUtilizationPercentage", "currentMetrics", "current", "current-metrics"),
)
# (part, v2's field, the annotation)
_MOVED = (("spec", "behavior", "behavior"), ("status", "conditions", "conditions"))
_KINDS = {"Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object", "External": "external"}


def to_v2(document: Document) -> Document:
    metadata = dict(document.get("metadata") or {})
    notes = dict(metadata.get("annotations") or {})
    made = {**document, "metadata": metadata}
    for part, own, listed, side, note in _METRICS:
        body = dict(made.get(part) or {})
        value = body.pop(own, None)
        metrics = [_metric_to_v2(metric, side) for metric in _noted(notes, note, list)]
        if value is not None and not (side == "current" and any(_is_cpu(metric, side) for metric in metrics)):
            metrics.append(_cpu(value, side))
        if metrics:
            body[listed] = metrics
        if part in made or metrics:
            made[part] = body
    for part, field, note in _MOVED:
        found = _noted(notes, note, list if field == "conditions" else dict)
        if found:
            made[part] = {**(made.get(part) or {}), field: found}
    _annotate(metadata, notes)
    return made


def from_v2(document: Document) -> Document:
    metadata = dict(document.get("metadata") or {})
    notes = dict(metadata.get("annotations") or {})
    made = {**document, "metadata": metadata}
    for part, own, listed, side, note in _METRICS:
        body = dict(made.get(part) or {})
        metrics: list[Document] = body.pop(listed, None) or []
        cpu = next((m for m in metrics if _is_cpu(m, side)), None)
        if cpu is not None:
            body[own] = cpu["resource"][side]["averageUtilization"]
        # What is used is told as an amount, too, which v1's field has no place for.
        others = [_metric_from_v2(m, side) for m in metrics if m is not cpu or "averageValue" in m["resource"][side]]
        if others:
            notes[_PREFIX + note] = msgspec.json.encode(others).decode()
        if part in made:
            made[part] = body
    for part, field, note in _MOVED:
        body = dict(made.get(part) or {})
        found = body.pop(field, None)
        if found:
            notes[_PREFIX + note] = msgspec.json.encode(found).decode()
        if part in made:
            made[part] = body
    _annotate(metadata, notes)
    return made


def _annotate(metadata: Document, notes: dict[str, str]) -> None:
    metadata.pop("annotations", None)
    if notes:
        metadata["annotations"] = notes


def _noted(notes: dict[str, str], note: str, wanted: type[Any]) -> Any:
    """What an annotation holds, which goes from the annotations; one that can't be read stays, and says nothing."""
    text = notes.get(_PREFIX + note)
    try:
        found = msgspec.json.decode(text) if text is not None else wanted()
    except (msgspec.DecodeError, RecursionError):
        return wanted()
    if not isinstance(found, wanted) or (wanted is list and not all(isinstance(item, dict) for item in found)):
        return wanted()
    notes.pop(_PREFIX + note, None)
    return found


def _cpu(average: int, side: str) -> Document:
    numbers = {"averageUtilization": average} | ({"type": "Utilization"} if side == "target" else {})
    return {"type": "Resource", "resource": {"name": "cpu", side: numbers}}


def _is_cpu(metric: Document, side: str) -> bool:
    resource = metric.get("resource") or {}
    return metric.get("type") == "Resource" and resource.get("name") == "cpu" and "averageUtilization" in (resource.get(side) or {})


def _names(kind: str, side: str) -> dict[str, str]:
    """v2's numbers -> v1's fields, which are named for where they are."""
    if kind == "object":
        return {"value": f"{side}Value", "averageValue": "averageValue"}
    average = side[0].upper() + side[1:]
    return {"averageUtilization": f"{side}AverageUtilization", "averageValue": f"{side}AverageValue", "value": f"{average.lower()}Value"}


def _source(metric: Document) -> tuple[str, Document | None]:
    """Under which name a metric tells of its source, and what."""
    kind = _KINDS.get(str(metric.get("type")), "")
    source = metric.get(kind)
    return kind, source if isinstance(source, dict) else None


def _metric_from_v2(metric: Document, side: str) -> Document:
    kind, source = _source(metric)
    if source is None:
        return metric
    own: Document = {key: source[key] for key in ("name", "container") if key in source}
    if "describedObject" in source:
        own["target"] = source["describedObject"]
    named = source.get("metric") or {}
    if named:
        own["metricName"] = named.get("name", "")
    if named.get("selector") is not None:
        own["metricSelector" if kind == "external" else "selector"] = named["selector"]
    numbers = source.get(side) or {}
    own |= {name: numbers[key] for key, name in _names(kind, side).items() if key in numbers}
    return {"type": metric["type"], kind: own}


def _metric_to_v2(metric: Document, side: str) -> Document:
    kind, source = _source(metric)
    if source is None:
        return metric
    own: Document = {key: source[key] for key in ("name", "container") if key in source}
    if "target" in source:
        own["describedObject"] = source["target"]
    if "metricName" in source:
        selector = source.get("metricSelector" if kind == "external" else "selector")
        own["metric"] = {"name": source["metricName"], **({"selector": selector} if selector is not None else {})}
    numbers = {key: source[name] for key, name in _names(kind, side).items() if name in source}
    if side == "target":
        kinds = {"averageUtilization": "Utilization", "averageValue": "AverageValue", "value": "Value"}
        numbers["type"] = next((told for key, told in kinds.items() if key in numbers), "Value")
    return {"type": metric["type"], kind: {**own, side: numbers}}

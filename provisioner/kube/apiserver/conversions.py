"""Kinds that several versions or groups show of one stored object: each version's document to the stored one and back. Pure.

Most versions differ in nothing but apiVersion; events and horizontal pod autoscalers have fields that moved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioner.kube.apiserver import autoscaler_versions

Document = dict[str, Any]
Convert = Callable[[Document], Document]

# events.k8s.io/v1 name -> core/v1 name
_EVENT = {
    "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedSource": "source",
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
}
_EVENT_BACK = {core: own for own, core in _EVENT.items()}


def event_to_core(document: Document) -> Document:
    return {_EVENT.get(key, key): value for key, value in document.items()}


def event_from_core(document: Document) -> Document:
    return {_EVENT_BACK.get(key, key): value for key, value in document.items()}


# resource.k8s.io/v1beta1 has directly in a request what v1 has under `exactly`.
_EXACTLY = ("adminAccess", "allocationMode", "capacity", "count", "deviceClassName", "selectors", "tolerations")


def _changed(document: Document, path: tuple[str, ...], change: Convert) -> Document:
    """A copy in which each item of the list at `path` is what `change` makes of it."""
    found = document.get(path[0])
    if len(path) == 1:
        return {**document, path[0]: [change(item) for item in found]} if isinstance(found, list) else document
    return {**document, path[0]: _changed(found, path[1:], change)} if isinstance(found, dict) else document


def _request_to_v1(request: Document) -> Document:
    exactly = {key: request[key] for key in _EXACTLY if key in request}
    rest = {key: value for key, value in request.items() if key not in _EXACTLY}
    return {**rest, "exactly": exactly} if exactly else rest


def _request_from_v1(request: Document) -> Document:
    return {**{key: value for key, value in request.items() if key != "exactly"}, **(request.get("exactly") or {})}


def _device_to_v1(device: Document) -> Document:
    return {**{key: value for key, value in device.items() if key != "basic"}, **(device.get("basic") or {})}


def _device_from_v1(device: Document) -> Document:
    basic = {key: value for key, value in device.items() if key != "name"}
    return {"name": device.get("name"), "basic": basic}


def _each(path: tuple[str, ...], change: Convert) -> Convert:
    return lambda document: _changed(document, path, change)


_CLAIM, _TEMPLATE = ("spec", "devices", "requests"), ("spec", "spec", "devices", "requests")
_SLICE = ("spec", "devices")

# (group, plural, version) -> (to the stored document, back)
CONVERSIONS: dict[tuple[str, str, str], tuple[Convert, Convert]] = {
    ("events.k8s.io", "events", "v1"): (event_to_core, event_from_core),
    ("autoscaling", "horizontalpodautoscalers", "v1"): (autoscaler_versions.to_v2, autoscaler_versions.from_v2),
    ("resource.k8s.io", "resourceclaims", "v1beta1"): (_each(_CLAIM, _request_to_v1), _each(_CLAIM, _request_from_v1)),
    ("resource.k8s.io", "resourceclaimtemplates", "v1beta1"): (_each(_TEMPLATE, _request_to_v1), _each(_TEMPLATE, _request_from_v1)),
    ("resource.k8s.io", "resourceslices", "v1beta1"): (_each(_SLICE, _device_to_v1), _each(_SLICE, _device_from_v1)),
}

"""The annotation in which kubectl's client-side apply keeps what it applied last, as server-side apply by `kubectl` minds it.

Whoever moves from one to the other owns the fields twice, as two managers: those that nobody has changed since are no conflicts, and
the annotation goes on saying what was applied. Another fieldManager opts out. Pure. Source: Kubernetes' documentation of server-side apply,
"Upgrading from client-side apply".
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import msgspec

from provisioner.kube.api.field_sets import EMPTY, Paths, Schema, compare, paths_of

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
# The only fieldManager that this is about: kubectl's own name when none is given.
KUBECTL = "kubectl"
# All annotations of an object together.
ANNOTATIONS_BYTES = 256 * 1024


def noted(document: Mapping[str, Any]) -> str:
    """What the annotation says, "" where there is none."""
    found = ((document.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION)
    return found if isinstance(found, str) else ""


def unchanged(live: Mapping[str, Any], schema: Schema) -> Paths:
    """The fields that client-side apply set and that are still as it set them."""
    try:
        applied = msgspec.json.decode(noted(live) or b"{}")
    except (msgspec.DecodeError, RecursionError):
        return EMPTY
    if not isinstance(applied, dict) or applied.get("apiVersion") != live.get("apiVersion"):
        return EMPTY
    difference = compare(applied, live, schema)
    return paths_of(applied, schema) - difference.set_now - difference.removed


def note(document: dict[str, Any], applied: Mapping[str, Any]) -> None:
    """Let the annotation, where there is one, say what is applied now; one that would be too long goes."""
    if not noted(document):
        return
    told = copy.deepcopy(dict(applied))
    metadata = told.get("metadata") or {}
    (metadata.get("annotations") or {}).pop(ANNOTATION, None)
    text = msgspec.json.encode(told).decode() + "\n"
    annotations: dict[str, str] = dict(document["metadata"]["annotations"])
    del annotations[ANNOTATION]
    if sum(len(key) + len(str(value)) for key, value in annotations.items()) + len(ANNOTATION) + len(text) <= ANNOTATIONS_BYTES:
        annotations[ANNOTATION] = text
    document["metadata"]["annotations"] = annotations

"""Which PersistentVolume suits a claim: size, access, class, labels, and the nodes it can be reached from. Pure.

The controller manager binds by it, and the scheduler finds nodes by it. Source: core/v1 PersistentVolume, PersistentVolumeClaim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.selectors import from_struct

SELECTED_NODE = "volume.kubernetes.io/selected-node"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
OLD_CLASS_NOTE = "volume.beta.kubernetes.io/storage-class"


def class_of(claim: core_v1.PersistentVolumeClaim) -> str:
    """The claim's storage class, by its field or by the annotation that came before it."""
    return (claim.metadata.annotations or {}).get(OLD_CLASS_NOTE) or claim.spec.storage_class_name or ""


def size_of(volume: core_v1.PersistentVolume) -> int:
    return quantity.value((volume.spec.capacity or {}).get("storage", 0))


def asked_of(claim: core_v1.PersistentVolumeClaim) -> int:
    requests = claim.spec.resources.requests if claim.spec.resources is not None else None
    return quantity.value((requests or {}).get("storage", 0))


def is_for(volume: core_v1.PersistentVolume, claim: core_v1.PersistentVolumeClaim) -> bool:
    """Whether the volume is reserved for, or bound to, this claim."""
    ref = volume.spec.claim_ref
    if ref is None or (ref.namespace, ref.name) != (claim.metadata.namespace, claim.metadata.name):
        return False
    return not ref.uid or ref.uid == claim.metadata.uid


def reference_to(claim: core_v1.PersistentVolumeClaim) -> dict[str, Any]:
    """A volume's `claimRef` that gives it to this claim and no other."""
    metadata = claim.metadata
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": metadata.namespace,
        "name": metadata.name,
        "uid": metadata.uid,
        "resourceVersion": metadata.resource_version,
    }


def mismatch(volume: core_v1.PersistentVolume, claim: core_v1.PersistentVolumeClaim) -> str | None:
    """Why the volume can't be bound to the claim, in upstream's words."""
    if size_of(volume) < asked_of(claim):
        return "requested PV is too small"
    if (volume.spec.storage_class_name or "") != (claim.spec.storage_class_name or ""):
        return "storageClassName does not match"
    if (volume.spec.volume_mode or "Filesystem") != (claim.spec.volume_mode or "Filesystem"):
        return "incompatible volumeMode"
    if not set(claim.spec.access_modes or ()) <= set(volume.spec.access_modes or ()):
        return "incompatible accessMode"
    if (volume.spec.volume_attributes_class_name or "") != (claim.spec.volume_attributes_class_name or ""):
        return "volumeAttributesClassName does not match"
    return None


def find(
    claim: core_v1.PersistentVolumeClaim,
    volumes: Iterable[core_v1.PersistentVolume],
    *,
    node: core_v1.Node | None = None,
    taken: Mapping[str, Any] | frozenset[str] = frozenset(),
    reserved_only: bool = False,
) -> core_v1.PersistentVolume | None:
    """The volume that is reserved for the claim, else the smallest that suits; with `node`, one that can be reached from there.

    `taken` are names that are spoken for; `reserved_only` is for claims that wait for their first consumer.
    """
    selector = from_struct(claim.spec.selector) if claim.spec.selector is not None else None
    best: core_v1.PersistentVolume | None = None
    for volume in volumes:
        if volume.metadata.deletion_timestamp is not None or volume.metadata.name in taken or mismatch(volume, claim) is not None:
            continue
        if node is not None and not reachable(volume, node):
            continue
        if volume.spec.claim_ref is not None:
            if is_for(volume, claim):
                return volume
            continue
        if reserved_only or (volume.status.phase or "Available") not in ("Available", "Pending"):
            continue
        if selector is not None and not selector.matches(volume.metadata.labels):
            continue
        if best is None or (size_of(volume), volume.metadata.name or "") < (size_of(best), best.metadata.name or ""):
            best = volume
    return best


def reachable(volume: core_v1.PersistentVolume, node: core_v1.Node) -> bool:
    """Whether the volume's node affinity lets it be used on the node."""
    affinity = volume.spec.node_affinity
    if affinity is None or affinity.required is None:
        return True
    labels, name = node.metadata.labels or {}, node.metadata.name or ""
    return any(term_matches(term, labels, name) for term in affinity.required.node_selector_terms or ())


def term_matches(term: core_v1.NodeSelectorTerm, labels: Mapping[str, str], name: str) -> bool:
    """A term with nothing in it matches no node."""
    pairs = [(r, labels) for r in term.match_expressions or ()] + [(r, {"metadata.name": name}) for r in term.match_fields or ()]
    return bool(pairs) and all(requirement_matches(r, values) for r, values in pairs)


def requirement_matches(requirement: core_v1.NodeSelectorRequirement, labels: Mapping[str, str]) -> bool:
    """One node selector requirement; Gt and Lt compare whole numbers."""
    value, values = labels.get(requirement.key or ""), requirement.values or []
    if requirement.operator in ("In", "NotIn"):
        return (value in values) is (requirement.operator == "In")
    if requirement.operator in ("Exists", "DoesNotExist"):
        return (value is not None) is (requirement.operator == "Exists")
    try:
        number, bound = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return number > bound if requirement.operator == "Gt" else number < bound

"""The claims of a StatefulSet's pods: their names, what they are made of, and who owns them by the retention policy. Pure.

Source: apps/v1 StatefulSet, persistentVolumeClaimRetentionPolicy. The owner is the set where claims go with it, and the pod where they go
with the number that a scaling takes away; garbage collection does the rest.
"""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import apps_v1, core_v1, meta_v1
from provisioner.kube.api.meta import owner_reference
from provisioner.kube.controllers.ordinals import ordinal_of, wanted_ordinals

SET, POD = "StatefulSet", "Pod"


def claim_name(template: core_v1.PersistentVolumeClaim, pod: str) -> str:
    return f"{template.metadata.name}-{pod}"


def numbered_claim(sts: apps_v1.StatefulSet, template: core_v1.PersistentVolumeClaim, pod: str) -> core_v1.PersistentVolumeClaim:
    selector = sts.spec.selector or meta_v1.LabelSelector()
    return core_v1.PersistentVolumeClaim(
        metadata=meta_v1.ObjectMeta(
            name=claim_name(template, pod),
            namespace=sts.metadata.namespace,
            labels={**(template.metadata.labels or {}), **(selector.match_labels or {})},
            annotations=template.metadata.annotations,
            owner_references=[owner_reference(sts)] if _retention(sts)[0] == "Delete" else None,
        ),
        spec=template.spec,
    )


def owners_of(sts: apps_v1.StatefulSet, pod: core_v1.Pod, claim: core_v1.PersistentVolumeClaim) -> list[meta_v1.OwnerReference] | None:
    """The claim's owners as the policy wants them; None where they are so already, or where somebody else owns the claim."""
    deleted, scaled = _retention(sts)
    there = list(claim.metadata.owner_references or ())
    if (deleted, scaled) != ("Retain", "Retain") and any(_foreign(one, sts, pod) for one in there):
        return None
    condemned = ordinal_of(sts.metadata.name or "", pod.metadata.name or "") not in wanted_ordinals(sts)
    owner: Any = None
    if condemned and scaled == "Delete":
        owner = pod
    elif deleted == "Delete":
        owner = sts
    kept = [one for one in there if one.uid not in (sts.metadata.uid, pod.metadata.uid)]
    wanted = kept + ([owner_reference(owner)] if owner is not None else [])
    return wanted if wanted != there else None


def _foreign(one: meta_v1.OwnerReference, sts: apps_v1.StatefulSet, pod: core_v1.Pod) -> bool:
    """Another controller's claim, or that of a set or pod of the same name which is gone."""
    for kind, owner in ((SET, sts), (POD, pod)):
        if (one.kind, one.name) == (kind, owner.metadata.name):
            return bool(one.uid != owner.metadata.uid)
    return bool(one.controller)


def _retention(sts: apps_v1.StatefulSet) -> tuple[str, str]:
    """(what becomes of claims when the set is deleted, when it is scaled down)."""
    policy = sts.spec.persistent_volume_claim_retention_policy
    return ((policy.when_deleted or "Retain"), (policy.when_scaled or "Retain")) if policy is not None else ("Retain", "Retain")

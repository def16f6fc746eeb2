"""Proves who owns a StatefulSet's claims: the set, the pod that is scaled away, or whoever had them before."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.controllers.ordinal_claims import claim_name, numbered_claim, owners_of
from tests.unit.kube.controllers.objects import made

TEMPLATE = made(core_v1.PersistentVolumeClaim, {"metadata": {"name": "data", "labels": {"a": "b"}}, "spec": {}})


def sts(deleted: str = "Retain", scaled: str = "Retain", replicas: int = 1) -> apps_v1.StatefulSet:
    policy = {"whenDeleted": deleted, "whenScaled": scaled}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"s": "s"}}, "persistentVolumeClaimRetentionPolicy": policy}
    return made(apps_v1.StatefulSet, {"metadata": {"name": "s", "namespace": "ns", "uid": "set"}, "spec": spec})


def pod(number: int) -> core_v1.Pod:
    return made(core_v1.Pod, {"metadata": {"name": f"s-{number}", "namespace": "ns", "uid": f"pod-{number}"}})


def claim(*owners: dict[str, Any]) -> core_v1.PersistentVolumeClaim:
    return made(core_v1.PersistentVolumeClaim, {"metadata": {"name": "data-s-0", "ownerReferences": list(owners)}})


def owner(kind: str, name: str, uid: str, *, controller: bool = True) -> dict[str, Any]:
    version = {"StatefulSet": "apps/v1", "Pod": "v1"}.get(kind, "x/v1")
    return {"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": controller, "blockOwnerDeletion": True}


SET, POD = owner("StatefulSet", "s", "set"), owner("Pod", "s-1", "pod-1")
OTHER = owner("Backup", "b", "other", controller=False)


@pytest.mark.parametrize(
    ("deleted", "scaled", "number", "before", "after"),
    [
        ("Retain", "Retain", 0, [], None),
        ("Retain", "Retain", 0, [SET, OTHER], ["other"]),
        ("Delete", "Retain", 0, [], ["set"]),
        ("Delete", "Retain", 1, [], ["set"]),
        ("Delete", "Retain", 0, [SET], None),
        ("Delete", "Retain", 0, [OTHER], ["other", "set"]),
        ("Retain", "Delete", 0, [], None),
        ("Retain", "Delete", 1, [], ["pod-1"]),
        ("Delete", "Delete", 0, [], ["set"]),
        ("Delete", "Delete", 1, [SET], ["pod-1"]),
        ("Retain", "Delete", 1, [POD], None),
        ("Delete", "Retain", 0, [owner("Operator", "o", "o")], None),
        ("Delete", "Retain", 0, [owner("StatefulSet", "s", "an earlier one")], None),
        ("Retain", "Delete", 1, [owner("Pod", "s-1", "an earlier one")], None),
    ],
)
def test_who_owns_a_claim(deleted: str, scaled: str, number: int, before: list[dict[str, Any]], after: list[str] | None) -> None:
    found = owners_of(sts(deleted, scaled), pod(number), claim(*before))
    assert (None if found is None else [o.uid for o in found]) == after


def test_a_claim_is_made_of_its_template_and_the_selector() -> None:
    made_ = numbered_claim(sts("Delete"), TEMPLATE, "s-0")
    assert made_.metadata.name == claim_name(TEMPLATE, "s-0") == "data-s-0"
    assert made_.metadata.labels == {"a": "b", "s": "s"}
    assert [(o.uid, o.controller) for o in made_.metadata.owner_references or ()] == [("set", True)]
    assert numbered_claim(sts(), TEMPLATE, "s-0").metadata.owner_references is None

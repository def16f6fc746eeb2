"""Proves which pods become an owner's and which it lets go, with the finalizer that comes and goes with them."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api.meta import controller_of
from provisioner.kube.controllers.claims import claim
from provisioner.kube.controllers.controller import Controller
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import at, made, pod

OURS = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "o", "uid": "owner", "controller": True}
THEIRS = {**OURS, "name": "x", "uid": "other"}


@pytest.mark.parametrize(
    ("labels", "owners", "gone", "owner_gone", "is_claimed", "finalizers"),
    [
        ("a", [], False, False, True, ["f"]),
        ("a", [OURS], False, False, True, ["f"]),
        ("b", [OURS], False, False, False, []),
        ("a", [THEIRS], False, False, False, ["f"]),
        ("b", [], False, False, False, ["f"]),
        ("a", [], True, False, False, ["f"]),
        ("a", [], False, True, False, ["f"]),
        ("b", [OURS], False, True, True, ["f"]),
    ],
    ids=["adopted", "kept", "let-go", "anothers", "no-match", "going", "owner-going", "kept-while-owner-goes"],
)
async def test_claims(
    labels: str, owners: list[dict[str, Any]], gone: bool, owner_gone: bool, is_claimed: bool, finalizers: list[str]
) -> None:
    cluster = Cluster()
    more = {"deletionTimestamp": at(0)} if owner_gone else {}
    metadata = {"name": "o", "namespace": "ns", "uid": "owner", **more}
    owner = made(apps_v1.ReplicaSet, {"metadata": metadata, "spec": {"selector": {"matchLabels": {"l": "a"}}}})
    ending = {"deletionTimestamp": at(0)} if gone else {}
    known = cluster.put(pod(labels={"l": labels}, ownerReferences=owners, finalizers=["f"], **ending))
    found = await claim(Controller(cluster.parts()), owner, [known], finalizer="f")
    (now,) = cluster.all(core_v1.Pod)
    assert found == ([now] if is_claimed else [])
    reference = controller_of(now)
    assert (reference is not None and reference.uid == "owner") is is_claimed
    assert (now.metadata.finalizers or []) == finalizers


async def test_a_pod_that_is_gone_by_now_is_nobodys() -> None:
    cluster = Cluster()
    owner = made(apps_v1.ReplicaSet, {"metadata": {"name": "o", "namespace": "ns", "uid": "owner"}, "spec": {"selector": {}}})
    assert await claim(Controller(cluster.parts()), owner, [pod("never-there", uid="u")]) == []

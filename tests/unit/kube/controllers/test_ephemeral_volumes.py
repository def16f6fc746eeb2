"""Proves that each ephemeral volume of a pod gets a claim of its own, and that somebody else's claim is not taken for it."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.controllers.ephemeral_volumes import EphemeralVolumes
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import made, pod

TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}}
VOLUMES = {"volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": TEMPLATE}}, {"name": "other", "emptyDir": {}}]}


async def test_a_claim_for_each() -> None:
    cluster = Cluster()
    controller = EphemeralVolumes(cluster.parts())
    known = cluster.put(pod("p", spec=VOLUMES))
    await cluster.settle(controller)
    (claim,) = cluster.all(core_v1.PersistentVolumeClaim)
    assert (claim.metadata.name, claim.metadata.labels, claim.spec.storage_class_name) == ("p-scratch", {"a": "b"}, "fast")
    assert [(o.uid, o.controller) for o in claim.metadata.owner_references or ()] == [(known.metadata.uid, True)]


async def test_a_claim_that_is_somebody_elses_is_left_alone() -> None:
    cluster = Cluster()
    controller = EphemeralVolumes(cluster.parts())
    cluster.put(made(core_v1.PersistentVolumeClaim, {"metadata": {"name": "p-scratch", "namespace": "ns"}}))
    cluster.put(pod("p", spec=VOLUMES))
    with pytest.raises(StatusError, match="was not created for pod ns/p"):
        await cluster.settle(controller)


async def test_a_pod_that_has_ended_needs_none() -> None:
    cluster = Cluster()
    controller = EphemeralVolumes(cluster.parts())
    cluster.put(pod("p", phase="Succeeded", spec=VOLUMES))
    await cluster.settle(controller)
    assert cluster.all(core_v1.PersistentVolumeClaim) == []

"""Proves how a StatefulSet goes from nothing to whole, from one template to the next, and what becomes of its claims."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.controllers.statefulset import StatefulSets
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import at, made

LABELS = {"s": "s"}
CLAIMS = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]


def template(image: str) -> dict[str, Any]:
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": image}]}}


async def started(**spec: Any) -> tuple[Cluster, StatefulSets]:
    cluster = Cluster()
    controller = StatefulSets(cluster.parts())
    whole = {"replicas": 3, "serviceName": "s", "selector": {"matchLabels": LABELS}, "template": template("one"), **spec}
    whole.setdefault("updateStrategy", {"type": "RollingUpdate"})
    cluster.put(made(apps_v1.StatefulSet, {"metadata": {"name": "s", "namespace": "ns", "uid": "u"}, "spec": whole}))
    await cluster.settle(controller)
    return cluster, controller


def names(cluster: Cluster) -> list[str]:
    return sorted(p.metadata.name or "" for p in cluster.all(core_v1.Pod))


def images(cluster: Cluster) -> list[str]:
    pods = sorted(cluster.all(core_v1.Pod), key=lambda p: p.metadata.name or "")
    return [(p.spec.containers or [])[0].image or "" for p in pods]


async def all_serve(cluster: Cluster, controller: StatefulSets, rounds: int = 1) -> None:
    """Every pod that is there becomes ready, and what follows is made, `rounds` times."""
    ready = core_v1.PodCondition(type="Ready", status="True", last_transition_time=at(-60))
    for _ in range(rounds):
        for found in cluster.all(core_v1.Pod):
            cluster.put(msgspec.structs.replace(found, status=core_v1.PodStatus(phase="Running", conditions=[ready])))
        await cluster.settle(controller)


def change(cluster: Cluster, **spec: Any) -> None:
    (known,) = cluster.all(apps_v1.StatefulSet)
    plain = {**msgspec.to_builtins(known.spec), **spec}
    cluster.put(msgspec.structs.replace(known, spec=made(apps_v1.StatefulSetSpec, plain)))


@pytest.mark.parametrize(("policy", "seen"), [("OrderedReady", [1, 2, 3, 3]), ("Parallel", [3, 3, 3, 3])])
async def test_pods_come_in_order_or_at_once(policy: str, seen: list[int]) -> None:
    cluster, controller = await started(podManagementPolicy=policy)
    counts = [len(names(cluster))]
    for _ in range(3):
        await all_serve(cluster, controller)
        counts.append(len(names(cluster)))
    assert counts == seen
    status = cluster.all(apps_v1.StatefulSet)[0].status
    assert (status.ready_replicas, status.current_revision == status.update_revision) == (3, True)


async def test_pods_know_their_number_and_their_claims() -> None:
    cluster, _ = await started(replicas=1, ordinals={"start": 4}, volumeClaimTemplates=CLAIMS)
    (pod,) = cluster.all(core_v1.Pod)
    labels = pod.metadata.labels or {}
    assert (pod.metadata.name, pod.spec.hostname, labels["apps.kubernetes.io/pod-index"]) == ("s-4", "s-4", "4")
    assert [v.persistent_volume_claim.claim_name for v in pod.spec.volumes or () if v.persistent_volume_claim] == ["data-s-4"]
    assert [c.metadata.name for c in cluster.all(core_v1.PersistentVolumeClaim)] == ["data-s-4"]


@pytest.mark.parametrize(
    ("strategy", "steps"),
    [
        ({"type": "RollingUpdate"}, [["one", "one", "two"], ["one", "two", "two"], ["two", "two", "two"]]),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, [["one", "one", "two"]] * 3),
        ({"type": "OnDelete"}, [["one", "one", "one"]] * 3),
    ],
    ids=["from-the-last", "partition", "on-delete"],
)
async def test_the_way_to_another_template(strategy: dict[str, Any], steps: list[list[str]]) -> None:
    cluster, controller = await started(updateStrategy=strategy)
    await all_serve(cluster, controller, 3)
    change(cluster, template=template("two"))
    seen = []
    for _ in range(3):
        await all_serve(cluster, controller)
        seen.append(images(cluster))
    assert seen == steps


async def test_as_many_at_a_time_as_may_be_missing() -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    cluster, controller = await started(podManagementPolicy="Parallel", updateStrategy=rolling)
    await all_serve(cluster, controller)
    change(cluster, template=template("two"))
    await cluster.settle(controller)
    assert images(cluster) == ["one", "two", "two"]


@pytest.mark.parametrize(("policy", "owners"), [("Delete", ["Pod"]), ("Retain", [])])
async def test_claims_go_with_the_pods_that_are_scaled_away_where_that_is_asked(policy: str, owners: list[str]) -> None:
    retention = {"whenScaled": policy, "whenDeleted": "Retain"}
    cluster, controller = await started(replicas=1, volumeClaimTemplates=CLAIMS, persistentVolumeClaimRetentionPolicy=retention)
    await all_serve(cluster, controller)
    change(cluster, replicas=0)
    await cluster.settle(controller)
    assert names(cluster) == []
    (claim,) = cluster.all(core_v1.PersistentVolumeClaim)
    assert [o.kind for o in claim.metadata.owner_references or ()] == owners


async def test_claims_follow_a_policy_that_changes_and_come_back_for_a_pod_that_waits() -> None:
    cluster, controller = await started(replicas=1, volumeClaimTemplates=CLAIMS)
    change(cluster, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete", "whenScaled": "Retain"})
    await cluster.settle(controller)
    (claim,) = cluster.all(core_v1.PersistentVolumeClaim)
    assert [o.kind for o in claim.metadata.owner_references or ()] == ["StatefulSet"]
    await cluster.delete(core_v1.PersistentVolumeClaim, "data-s-0", "ns")
    assert not cluster.all(core_v1.PersistentVolumeClaim)
    (pod,) = cluster.all(core_v1.Pod)
    cluster.put(msgspec.structs.replace(pod, status=core_v1.PodStatus(phase="Pending")))
    await cluster.settle(controller)
    assert [c.metadata.name for c in cluster.all(core_v1.PersistentVolumeClaim)] == ["data-s-0"]


async def test_a_failed_pod_is_made_anew() -> None:
    cluster, controller = await started(replicas=1)
    (pod,) = cluster.all(core_v1.Pod)
    cluster.put(msgspec.structs.replace(pod, status=core_v1.PodStatus(phase="Failed")))
    await cluster.settle(controller)
    assert [p.status.phase for p in cluster.all(core_v1.Pod)] == [None]
    assert ("Warning", "RecreatingFailedPod", "StatefulSet ns/s is recreating Failed Pod s-0") in cluster.events

"""Proves how a DaemonSet's plan is carried out: revisions, rollback, adoption, and the back-off of failed pods."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.controllers.daemon_placement import HASH, node_of
from provisioner.kube.controllers.daemonset import DaemonSets
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import at, made, pod

LABELS = {"ds": "d"}


def template(image: str) -> dict[str, Any]:
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": image}]}}


async def started(nodes: str = "ab") -> tuple[Cluster, DaemonSets]:
    cluster = Cluster()
    controller = DaemonSets(cluster.parts())
    for name in nodes:
        cluster.put(made(core_v1.Node, {"metadata": {"name": name}}))
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    spec = {"selector": {"matchLabels": LABELS}, "template": template("one"), "updateStrategy": strategy}
    cluster.put(made(apps_v1.DaemonSet, {"metadata": {"name": "d", "namespace": "ns", "uid": "u"}, "spec": spec}))
    await cluster.settle(controller)
    return cluster, controller


def change(cluster: Cluster, image: str) -> None:
    (ds,) = cluster.all(apps_v1.DaemonSet)
    new = made(core_v1.PodTemplateSpec, template(image))
    cluster.put(msgspec.structs.replace(ds, spec=msgspec.structs.replace(ds.spec, template=new)))


def becomes(cluster: Cluster, phase: str) -> None:
    ready = core_v1.PodCondition(type="Ready", status="True", last_transition_time=at(-60))
    for found in cluster.all(core_v1.Pod):
        spec = msgspec.structs.replace(found.spec, node_name=node_of(found))
        cluster.put(msgspec.structs.replace(found, spec=spec, status=core_v1.PodStatus(phase=phase, conditions=[ready])))


def hashes(cluster: Cluster) -> set[str]:
    return {(p.metadata.labels or {})[HASH] for p in cluster.all(core_v1.Pod)}


async def test_each_template_is_a_revision_and_going_back_is_the_first_one_again() -> None:
    cluster, controller = await started()
    assert sorted(node_of(p) for p in cluster.all(core_v1.Pod)) == ["a", "b"]
    first = hashes(cluster)
    seen = []
    for image in ("two", "one"):
        becomes(cluster, "Running")
        change(cluster, image)
        await cluster.settle(controller)
        seen.append(hashes(cluster))
    assert seen[0] != first and seen[1] == first
    assert sorted(r.revision or 0 for r in cluster.all(apps_v1.ControllerRevision)) == [2, 3]


async def test_pods_of_a_revision_that_is_there_twice_are_kept() -> None:
    cluster, controller = await started()
    names = {p.metadata.name for p in cluster.all(core_v1.Pod)}
    (revision,) = cluster.all(apps_v1.ControllerRevision)
    metadata = msgspec.structs.replace(revision.metadata, name="d-twin", uid=None, labels={**LABELS, HASH: "twin"})
    cluster.put(msgspec.structs.replace(revision, metadata=metadata, revision=5))
    await cluster.settle(controller)
    assert hashes(cluster) == {"twin"}
    assert {p.metadata.name for p in cluster.all(core_v1.Pod)} == names


async def test_orphans_that_match_are_adopted_and_counted() -> None:
    cluster, controller = await started("a")
    cluster.put(pod("orphan", labels=LABELS, spec={"nodeName": "a"}, creationTimestamp=at(5)))
    await cluster.settle(controller)
    assert [p.metadata.name for p in cluster.all(core_v1.Pod)] != ["orphan"] and len(cluster.all(core_v1.Pod)) == 1


async def test_failed_pods_are_replaced_ever_more_slowly() -> None:
    cluster, controller = await started("a")
    becomes(cluster, "Failed")
    await cluster.settle(controller)
    assert [reason for _, reason, _ in cluster.events].count("FailedDaemonPod") == 1
    becomes(cluster, "Failed")
    assert await cluster.settle(controller) == 1.0, "the second time it waits"
    assert [p.status.phase for p in cluster.all(core_v1.Pod)] == ["Failed"]
    await cluster.clock.advance(1)
    controller.queue.add("ns/d")
    await cluster.settle(controller)
    assert [p.status.phase for p in cluster.all(core_v1.Pod)] != ["Failed"]

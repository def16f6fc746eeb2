"""Proves a Deployment's way through its replica sets: made, rolled, paused, rolled back, stuck, and forgotten."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import apps_v1
from provisioner.kube.api.meta import condition
from provisioner.kube.controllers.deployment import HISTORY_CHARS, DeploymentController, annotations_behind
from provisioner.kube.controllers.rollout import HISTORY, REVISION
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import made

LABELS = {"d": "d"}
ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def template(image: str) -> dict[str, Any]:
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": image}]}}


async def started(**spec: Any) -> tuple[Cluster, DeploymentController]:
    cluster = Cluster()
    controller = DeploymentController(cluster.parts())
    whole = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template("one"), "strategy": ROLLING, **spec}
    whole.setdefault("revisionHistoryLimit", 10)
    metadata = {"name": "d", "namespace": "ns", "uid": "u", "generation": 1}
    cluster.put(made(apps_v1.Deployment, {"metadata": metadata, "spec": whole}))
    await cluster.settle(controller)
    return cluster, controller


def change(cluster: Cluster, **spec: Any) -> None:
    (known,) = cluster.all(apps_v1.Deployment)
    plain = {**msgspec.to_builtins(known.spec), **spec}
    metadata = msgspec.structs.replace(known.metadata, generation=(known.metadata.generation or 0) + 1)
    cluster.put(msgspec.structs.replace(known, metadata=metadata, spec=made(apps_v1.DeploymentSpec, plain)))


async def serve(cluster: Cluster, controller: DeploymentController) -> None:
    """Every set has all its pods, and they are ready; until nothing changes."""
    for _ in range(10):
        for rs in cluster.all(apps_v1.ReplicaSet):
            count = rs.spec.replicas or 0
            status = apps_v1.ReplicaSetStatus(replicas=count, ready_replicas=count, available_replicas=count)
            if (rs.status.replicas, rs.status.available_replicas) != (count, count):
                cluster.put(msgspec.structs.replace(rs, status=status))
        await cluster.settle(controller)


def sizes(cluster: Cluster) -> dict[str, int]:
    sets = cluster.all(apps_v1.ReplicaSet)
    return {
        (rs.spec.template.spec.containers or [])[0].image or "": rs.spec.replicas or 0
        for rs in sets
        if rs.spec.template and rs.spec.template.spec
    }


def progressing(cluster: Cluster) -> str:
    found = condition(cluster.all(apps_v1.Deployment)[0].status.conditions, "Progressing")
    return str(found.reason)


def revision(cluster: Cluster) -> str | None:
    return (cluster.all(apps_v1.Deployment)[0].metadata.annotations or {}).get(REVISION)


async def test_from_one_template_to_the_next_and_back() -> None:
    cluster, controller = await started()
    await serve(cluster, controller)
    assert (sizes(cluster), progressing(cluster), revision(cluster)) == ({"one": 2}, "NewReplicaSetAvailable", "1")
    change(cluster, template=template("two"))
    await cluster.settle(controller)
    assert sizes(cluster) == {"one": 2, "two": 1}, "one more, and none less"
    await serve(cluster, controller)
    assert (sizes(cluster), revision(cluster)) == ({"one": 0, "two": 2}, "2")
    change(cluster, template=template("one"))
    await serve(cluster, controller)
    assert (sizes(cluster), revision(cluster)) == ({"one": 2, "two": 0}, "3")
    status = cluster.all(apps_v1.Deployment)[0].status
    assert (status.updated_replicas, status.available_replicas, status.unavailable_replicas) == (2, 2, None)


async def test_a_set_that_matches_no_more_is_let_go_and_one_of_nobody_is_taken() -> None:
    cluster, controller = await started()
    (rs,) = cluster.all(apps_v1.ReplicaSet)
    cluster.put(msgspec.structs.replace(rs, metadata=msgspec.structs.replace(rs.metadata, labels={"app": "other"})))
    await cluster.settle(controller)
    owned = {s.metadata.name: bool(s.metadata.owner_references) for s in cluster.all(apps_v1.ReplicaSet)}
    assert owned.pop(rs.metadata.name) is False and list(owned.values()) == [True], "another is made in its place"
    (now,) = [s for s in cluster.all(apps_v1.ReplicaSet) if s.metadata.name == rs.metadata.name]
    cluster.put(msgspec.structs.replace(now, metadata=msgspec.structs.replace(now.metadata, labels=rs.metadata.labels)))
    await cluster.settle(controller)
    assert all(s.metadata.owner_references for s in cluster.all(apps_v1.ReplicaSet))


async def test_the_present_set_follows_in_annotations_and_readiness() -> None:
    cluster, controller = await started()
    await serve(cluster, controller)
    for image in ("two", "one"):
        change(cluster, template=template(image), minReadySeconds=5)
        (known,) = cluster.all(apps_v1.Deployment)
        notes = {**(known.metadata.annotations or {}), "kubernetes.io/change-cause": f"to {image}", "example.com/own": "x"}
        cluster.put(msgspec.structs.replace(known, metadata=msgspec.structs.replace(known.metadata, annotations=notes)))
        await serve(cluster, controller)
    found = {(rs.spec.template.spec.containers or [])[0].image: rs for rs in cluster.all(apps_v1.ReplicaSet) if rs.spec.template}  # type: ignore[union-attr]
    notes = found["one"].metadata.annotations or {}
    assert (notes["kubernetes.io/change-cause"], notes["example.com/own"]) == ("to one", "x")
    assert (notes[REVISION], notes[HISTORY]) == ("3", "1")
    assert (found["two"].metadata.annotations or {})["kubernetes.io/change-cause"] == "to two"
    assert found["one"].spec.min_ready_seconds == 5


def test_a_set_forgets_the_oldest_of_its_revisions() -> None:
    deployment = made(apps_v1.Deployment, {"metadata": {"name": "d"}})
    known = ",".join(str(number) for number in range(1000, 1399))
    new = made(apps_v1.ReplicaSet, {"metadata": {"name": "d-1", "annotations": {REVISION: "1399", HISTORY: known}}})
    noted = annotations_behind(deployment, new, 1500)
    assert (noted[REVISION], noted[HISTORY][:5], noted[HISTORY][-5:]) == ("1500", "1000,", ",1399")
    new.metadata.annotations = {REVISION: "1500", HISTORY: noted[HISTORY]}
    again = annotations_behind(deployment, new, 1600)[HISTORY]
    assert (again[:5], again[-5:], len(again) <= HISTORY_CHARS) == ("1001,", ",1500", True)
    assert annotations_behind(deployment, new, 1500) == {}


async def test_recreate_ends_the_old_ones_first() -> None:
    cluster, controller = await started(strategy={"type": "Recreate"})
    await serve(cluster, controller)
    change(cluster, template=template("two"))
    await cluster.settle(controller)
    assert sizes(cluster).get("one") == 0
    await serve(cluster, controller)
    assert sizes(cluster) == {"one": 0, "two": 2}


async def test_a_paused_one_only_scales() -> None:
    cluster, controller = await started()
    await serve(cluster, controller)
    change(cluster, paused=True, template=template("two"), replicas=5)
    await serve(cluster, controller)
    assert (sizes(cluster), progressing(cluster)) == ({"one": 5}, "DeploymentPaused")
    change(cluster, paused=False)
    await serve(cluster, controller)
    assert sizes(cluster) == {"one": 0, "two": 5}


async def test_a_deadline_that_is_over() -> None:
    cluster, controller = await started(progressDeadlineSeconds=10)
    await cluster.settle(controller)
    assert progressing(cluster) in ("NewReplicaSetCreated", "ReplicaSetUpdated")
    await cluster.clock.advance(12)
    controller.queue.add("ns/d")
    await cluster.settle(controller)
    assert progressing(cluster) == "ProgressDeadlineExceeded"


@pytest.mark.parametrize(("limit", "left"), [(0, {"three"}), (1, {"two", "three"}), (10, {"one", "two", "three"})])
async def test_as_much_history_as_is_wanted(limit: int, left: set[str]) -> None:
    cluster, controller = await started(revisionHistoryLimit=limit)
    for image in ("one", "two", "three"):
        change(cluster, template=template(image))
        await serve(cluster, controller)
    assert set(sizes(cluster)) == left

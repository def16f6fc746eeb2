"""Proves how a Deployment's replica sets share its replicas: surge, unavailability, unhealthy pods first, and scaling in proportion."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import apps_v1
from provisioner.kube.controllers.rollout import Bounds, bounds_of, grow_new, in_proportion, is_scaling, shrink_old
from tests.unit.kube.controllers.objects import at, made


def deployment(replicas: int, surge: Any = 1, unavailable: Any = 0, kind: str = "RollingUpdate") -> apps_v1.Deployment:
    strategy: dict[str, Any] = {"type": kind}
    if kind == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    spec = {"replicas": replicas, "strategy": strategy, "selector": {}, "template": {}}
    return made(apps_v1.Deployment, {"metadata": {"name": "d"}, "spec": spec})


def replica_set(name: str, wanted: int, available: int | None = None, age_s: int = 0, **annotations: str) -> apps_v1.ReplicaSet:
    metadata = {"name": name, "creationTimestamp": at(-age_s), "annotations": annotations}
    status = {"replicas": wanted, "availableReplicas": wanted if available is None else available}
    return made(apps_v1.ReplicaSet, {"metadata": metadata, "spec": {"replicas": wanted, "selector": {}}, "status": status})


@pytest.mark.parametrize(
    ("found", "bounds"),
    [
        (deployment(10, "25%", "25%"), Bounds(3, 2)),
        (deployment(4, 0, 0), Bounds(0, 1)),
        (deployment(2, 1, 5), Bounds(1, 2)),
        (deployment(3, kind="Recreate"), Bounds(0, 0)),
    ],
)
def test_bounds(found: apps_v1.Deployment, bounds: Bounds) -> None:
    assert bounds_of(found) == bounds


@pytest.mark.parametrize(
    ("found", "new", "old", "size"),
    [
        (deployment(4, surge=1), 0, 4, 1),
        (deployment(4, surge=1), 1, 4, 1),
        (deployment(4, surge=1), 1, 3, 2),
        (deployment(4, surge="100%"), 0, 4, 4),
        (deployment(4, kind="Recreate"), 0, 0, 4),
        (deployment(2), 4, 0, 2),
    ],
)
def test_the_new_set_grows_by_the_surge(found: apps_v1.Deployment, new: int, old: int, size: int) -> None:
    fresh = replica_set("new", new)
    assert grow_new(found, fresh, [fresh, replica_set("old", old, age_s=60)]) == size


@pytest.mark.parametrize(
    ("found", "new", "old", "sizes"),
    [
        (deployment(4), (1, 0), [("a", 4, 4)], {"a": 4}),
        (deployment(4), (1, 1), [("a", 4, 4)], {"a": 3}),
        (deployment(4), (1, 1), [("a", 4, 2)], {"a": 3}),
        (deployment(4, unavailable=2), (1, 0), [("a", 4, 4)], {"a": 2}),
        (deployment(4), (4, 4), [("a", 1, 1), ("b", 2, 2)], {"a": 0, "b": 0}),
    ],
    ids=["new-not-up", "one-for-one", "unhealthy-first", "may-miss-two", "done"],
)
def test_old_sets_shrink(found: apps_v1.Deployment, new: tuple[int, int], old: list[tuple[str, int, int]], sizes: dict[str, int]) -> None:
    others = [replica_set(name, wanted, available, age_s=100 - i) for i, (name, wanted, available) in enumerate(old)]
    assert shrink_old(found, replica_set("new", *new), others) == sizes


def test_scaling_in_the_middle_keeps_proportions() -> None:
    notes = {"deployment.kubernetes.io/desired-replicas": "10", "deployment.kubernetes.io/max-replicas": "13"}
    sets = [replica_set("old", 8, age_s=60, **notes), replica_set("new", 5, **notes)]
    found = deployment(15, surge=3, unavailable=2)
    assert is_scaling(found, sets)
    sizes = in_proportion(found, sets)
    assert sum(sizes.values()) == 18 and sizes == {"old": 11, "new": 7}
    assert not is_scaling(deployment(10), sets)

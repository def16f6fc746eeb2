"""Proves which of several pods is missed least, and when a pod counts as available."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.controllers.pods import deletion_rank, is_available
from tests.unit.kube.controllers.objects import NOW, at, made


def pod(
    node: str = "n", phase: str = "Running", ready_s: float | None = -60, cost: str = "", restarts: int = 0, age_s: float = 100
) -> core_v1.Pod:
    conditions = [] if ready_s is None else [{"type": "Ready", "status": "True", "lastTransitionTime": at(ready_s)}]
    notes = {"controller.kubernetes.io/pod-deletion-cost": cost} if cost else {}
    metadata = {"name": "p", "creationTimestamp": at(-age_s), "annotations": notes}
    statuses = [{"name": "c", "restartCount": restarts}]
    status = {"phase": phase, "conditions": conditions, "containerStatuses": statuses}
    return made(core_v1.Pod, {"metadata": metadata, "spec": {"nodeName": node}, "status": status})


@pytest.mark.parametrize(
    ("first", "second", "crowds"),
    [
        (pod(node="", phase="Pending", ready_s=None), pod(), (1, 1)),
        (pod(phase="Pending", ready_s=None), pod(ready_s=None), (1, 1)),
        (pod(ready_s=None), pod(), (1, 1)),
        (pod(cost="-5"), pod(), (1, 1)),
        (pod(), pod(cost="5"), (3, 1)),
        (pod(), pod(), (3, 1)),
        (pod(ready_s=-5), pod(ready_s=-500), (1, 1)),
        (pod(restarts=4), pod(), (1, 1)),
        (pod(age_s=10), pod(age_s=900), (1, 1)),
    ],
    ids=["no-node", "pending", "not-ready", "cheap", "dear", "crowded", "ready-lately", "restarting", "young"],
)
def test_the_first_is_missed_least(first: core_v1.Pod, second: core_v1.Pod, crowds: tuple[int, int]) -> None:
    assert deletion_rank(first, crowds[0], NOW) < deletion_rank(second, crowds[1], NOW)


@pytest.mark.parametrize(
    ("found", "min_ready_s", "available"), [(pod(), 0, True), (pod(), 61, False), (pod(), 60, True), (pod(ready_s=None), 0, False)]
)
def test_available(found: Any, min_ready_s: int, available: bool) -> None:
    assert is_available(found, min_ready_s, NOW) is available

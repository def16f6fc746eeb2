"""Proves which jobs a CronJob counts as its own: those it has made, whether or not its status knows of them yet."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import batch_v1
from provisioner.kube.controllers.cronjobs import SCHEDULED, CronJobs
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import at, made

SPEC: dict[str, Any] = {"schedule": "0 0 1 1 *", "suspend": True, "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": {"template": {}}}}
OWNER = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "c", "uid": "u", "controller": True}


@pytest.mark.parametrize(
    ("annotations", "active", "events"),
    [
        ({SCHEDULED: "2026-01-01T00:00:00Z"}, ["j"], []),
        (
            {"cronjob.kubernetes.io/instantiate": "manual"},
            [],
            [("Warning", "UnexpectedJob", "Saw a job that the controller did not create or forgot: j")],
        ),
    ],
)
async def test_jobs_that_somebody_else_has_made_are_told_of_only(annotations: dict[str, str], active: list[str], events: list[Any]) -> None:
    cluster = Cluster()
    controller = CronJobs(cluster.parts())
    metadata = {"name": "j", "namespace": "n", "uid": "j1", "annotations": annotations, "ownerReferences": [OWNER]}
    cluster.put(
        made(batch_v1.CronJob, {"metadata": {"name": "c", "namespace": "n", "uid": "u", "creationTimestamp": at(-60)}, "spec": SPEC})
    )
    cluster.put(made(batch_v1.Job, {"metadata": metadata, "spec": {"template": {}}}))
    await cluster.settle(controller)
    [cron] = cluster.all(batch_v1.CronJob)
    assert [reference.name for reference in cron.status.active or ()] == active
    assert list(dict.fromkeys(cluster.events)) == events

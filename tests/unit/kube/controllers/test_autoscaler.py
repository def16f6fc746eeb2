"""Proves when an autoscaler is looked at: for what is asked of it, and not for what is written of it."""

from __future__ import annotations

import msgspec

from provisioner.kube.api._generated import autoscaling_v2
from provisioner.kube.controllers.autoscaler import Autoscalers
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import made

HPA = {"metadata": {"name": "web", "namespace": "ns"}, "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}}


async def test_its_own_status_is_no_reason_to_ask_again() -> None:
    cluster = Cluster()
    queue = Autoscalers(cluster.parts()).queue
    hpa = cluster.put(made(autoscaling_v2.HorizontalPodAutoscaler, HPA))
    assert len(queue) == 1
    queue.done(await queue.get())
    counted = msgspec.structs.replace(hpa, status=autoscaling_v2.HorizontalPodAutoscalerStatus(current_replicas=1))
    cluster.put(counted)
    assert len(queue) == 0
    cluster.put(msgspec.structs.replace(counted, spec=msgspec.structs.replace(hpa.spec, max_replicas=4)))
    assert len(queue) == 1

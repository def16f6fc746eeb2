"""Proves that the oldest ended pods go, and only beyond the threshold."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.controllers.pod_gc import out_of_service, surplus
from tests.unit.kube.controllers.objects import at, made, pod


@pytest.mark.parametrize(("threshold", "gone"), [(0, []), (1, ["old", "middle"]), (2, ["old"]), (3, []), (9, [])])
def test_surplus(threshold: int, gone: list[str]) -> None:
    pods = [
        pod("middle", phase="Failed", creationTimestamp=at(-20)),
        pod("running", creationTimestamp=at(-90)),
        pod("new", phase="Succeeded", creationTimestamp=at(-10)),
        pod("old", phase="Succeeded", creationTimestamp=at(-30)),
    ]
    assert [p.metadata.name for p in surplus(pods, threshold)] == gone


@pytest.mark.parametrize(
    ("taints", "ready", "out"), [([], "False", False), (["out-of-service"], "True", False), (["out-of-service"], "False", True)]
)
def test_nodes_that_will_not_come_back(taints: list[str], ready: str, out: bool) -> None:
    document = {
        "metadata": {"name": "n"},
        "spec": {"taints": [{"key": f"node.kubernetes.io/{name}", "effect": "NoExecute"} for name in taints]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }
    assert out_of_service(made(core_v1.Node, document)) is out
    assert not out_of_service(None)

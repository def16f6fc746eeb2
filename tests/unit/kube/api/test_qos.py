"""Proves the class of a pod by its containers' requests and limits."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.qos import qos_class

FULL = {"limits": {"cpu": "1", "memory": "1Gi"}}


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "0"}}], "BestEffort"),
        ([FULL], "Guaranteed"),
        ([FULL, {}], "Burstable"),
        ([{**FULL, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], "Guaranteed"),
        ([{**FULL, "requests": {"cpu": "500m"}}], "Burstable"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "nonsense"}}], "BestEffort"),
    ],
)
def test_class_of_containers(containers: list[dict[str, Any]], expected: str) -> None:
    spec = codec.decode_dict(core_v1.PodSpec, {"containers": [{"name": "c", "resources": r} for r in containers]})
    assert qos_class(spec) == expected


def test_the_pods_own_resources_decide() -> None:
    spec = codec.decode_dict(core_v1.PodSpec, {"containers": [{"name": "c"}], "resources": FULL})
    assert qos_class(spec) == "Guaranteed"

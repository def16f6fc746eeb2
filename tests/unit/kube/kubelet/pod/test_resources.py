"""Proves classes of service, and what limits and requests become in Docker."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod import resources

GIB = 1024**3


def spec_of(*containers: dict[str, Any]) -> core_v1.PodSpec:
    return codec.decode_dict(core_v1.PodSpec, {"containers": [{"name": f"c{i}", "resources": r} for i, r in enumerate(containers)]})


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"requests": {"cpu": "10m"}}], "Burstable"),
        ([{"limits": {"memory": "1Gi"}}], "Burstable"),
        ([{"limits": {"nvidia.com/gpu": "1"}}], "BestEffort"),
    ],
)
def test_class_of_service(containers: list[dict[str, Any]], expected: str) -> None:
    assert resources.qos_class(spec_of(*containers)) == expected


def host_config(found: dict[str, Any], lowest_oom: int = -1000) -> dict[str, Any]:
    spec = spec_of(found)
    assert spec.containers
    return resources.host_resources(spec, spec.containers[0], 4 * GIB, lowest_oom)


def test_limits_are_hard_and_requests_are_weights() -> None:
    found = host_config({"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m"}})
    assert found["CpuQuota"] == 50_000 and found["CpuPeriod"] == 100_000 and found["CpuShares"] == 256
    assert found["Memory"] == found["MemorySwap"] == 64 * 1024**2


def test_no_limits_mean_none() -> None:
    assert host_config({}) == {"CpuShares": 2, "OomScoreAdj": 1000}


def test_who_asked_for_more_memory_dies_later() -> None:
    small = host_config({"requests": {"memory": "100Mi"}})["OomScoreAdj"]
    large = host_config({"requests": {"memory": "2Gi"}})["OomScoreAdj"]
    guaranteed = host_config({"limits": {"cpu": 1, "memory": "1Gi"}})["OomScoreAdj"]
    assert guaranteed == -997 < large < small < 1000


def test_without_the_capability_scores_are_not_lowered() -> None:
    lowest = resources.lowest_oom_score(0)
    assert host_config({"limits": {"cpu": 1, "memory": "1Gi"}}, lowest)["OomScoreAdj"] == 0
    assert resources.lowest_oom_score(1 << 24) == -1000


def test_sidecars_run_beside_what_follows_them() -> None:
    def asking(name: str, cpu: str, **fields: Any) -> dict[str, Any]:
        return {"name": name, "resources": {"requests": {"cpu": cpu}}, **fields}

    inits = [asking("first", "3"), asking("side", "1", restartPolicy="Always"), asking("second", "2500m")]
    spec = codec.decode_dict(core_v1.PodSpec, {"initContainers": inits, "containers": [asking("main", "1")], "overhead": {"cpu": "100m"}})
    assert resources.requested(spec)["cpu"] == 3600
    spec.init_containers = (spec.init_containers or [])[1:2]
    assert resources.requested(spec)["cpu"] == 2100


def test_a_pod_asks_for_its_largest_moment() -> None:
    spec = codec.decode_dict(
        core_v1.PodSpec,
        {
            "initContainers": [{"name": "i", "resources": {"requests": {"cpu": "2"}}}],
            "containers": [{"name": n, "resources": {"requests": {"cpu": "500m", "memory": "1Mi"}}} for n in "ab"],
        },
    )
    assert resources.requested(spec) == {"cpu": 2000, "memory": 2 * 1024**2, "ephemeral-storage": 0}


def test_a_container_without_limits_has_its_pods() -> None:
    body = {
        "containers": [{"name": "a"}, {"name": "b", "resources": {"limits": {"memory": "1Mi"}}}],
        "resources": {"limits": {"memory": "4Mi"}},
    }
    spec = codec.decode_dict(core_v1.PodSpec, body)
    assert [resources.host_resources(spec, c, GIB).get("Memory") for c in spec.containers or ()] == [4 << 20, 1 << 20]

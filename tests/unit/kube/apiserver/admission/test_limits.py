"""Proves what a limit range says about requests and limits, and what pods add up to."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.admission.limits import check, pod_amounts


def item(**more: Any) -> core_v1.LimitRangeItem:
    return core_v1.LimitRangeItem(type="Container", **more)


@pytest.mark.parametrize(
    ("given", "requests", "limits", "expected"),
    [
        (item(min={"cpu": "100m"}), {"cpu": "50m"}, {}, "minimum cpu usage per Container is 100m, but request is 50m"),
        (item(min={"cpu": "100m"}), {}, {}, "No request is specified"),
        (item(max={"memory": "1Gi"}), {}, {"memory": "2Gi"}, "maximum memory usage per Container is 1Gi, but limit is 2Gi"),
        (item(max={"memory": "1Gi"}), {}, {}, "No limit is specified"),
        (item(max_limit_request_ratio={"cpu": "2"}), {"cpu": "1"}, {"cpu": "3"}, "provided ratio is 3.000000"),
    ],
)
def test_out_of_range(given: core_v1.LimitRangeItem, requests: dict[str, str], limits: dict[str, str], expected: str) -> None:
    found = check(given, requests, limits)
    assert len(found) == 1 and expected in found[0]


def test_inside_the_range() -> None:
    given = item(min={"cpu": "100m"}, max={"cpu": "2"}, max_limit_request_ratio={"cpu": "4"})
    assert check(given, {"cpu": "0.5"}, {"cpu": "2000m"}) == []


def test_a_pod_as_a_whole() -> None:
    resources = {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": "1.5", "memory": "1536Mi"}}
    spec = codec.decode_dict(
        core_v1.PodSpec, {"containers": [{"name": "a", "resources": resources}, {"name": "b", "resources": resources}]}
    )
    given = core_v1.LimitRangeItem(
        type="Pod", max={"cpu": "2", "memory": "2Gi"}, min={"cpu": "200m"}, max_limit_request_ratio={"memory": "2"}
    )
    assert check(given, pod_amounts(spec, "requests"), pod_amounts(spec, "limits")) == [
        "maximum cpu usage per Pod is 2, but limit is 3",
        "maximum memory usage per Pod is 2Gi, but limit is 3Gi",
    ]

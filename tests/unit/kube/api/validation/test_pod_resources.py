"""Proves what a pod may ask for as a whole, how its containers fit into that, and that huge pages come whole."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.validation.containers import resources
from provisioner.kube.api.validation.pod_resources import pod_resources


def problems(own: dict[str, Any], container: dict[str, Any] | None = None, **more: Any) -> list[str]:
    spec = {"containers": [{"name": "c", "resources": container or {}}], "resources": own, **more}
    return [f"{found.field}: {found.message}" for found in pod_resources(msgspec.convert(spec, core_v1.PodSpec), "spec")]


@pytest.mark.parametrize(
    ("own", "container", "said"),
    [
        ({"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}, {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}, []),
        ({"claims": [{"name": "a"}]}, {}, ["spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level"]),
        ({"limits": {"ephemeral-storage": "1Gi"}}, {}, ["spec.resources.limits[ephemeral-storage]: Unsupported value: "]),
        (
            {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}},
            {},
            ['spec.resources.requests: Invalid value: "2": must be less than or equal'],
        ),
        (
            {"requests": {"memory": "1Gi"}},
            {"requests": {"memory": "2Gi"}},
            ['spec.resources.requests[memory]: Invalid value: "1Gi": must be greater than or equal to aggregate container requests of 2Gi'],
        ),
        (
            {"limits": {"cpu": "1"}},
            {"limits": {"cpu": "1500m"}},
            ['spec.containers[0].resources.limits[cpu]: Invalid value: "1500m": must be less than or equal to pod limits of 1'],
        ),
    ],
)
def test_a_pods_own(own: dict[str, Any], container: dict[str, Any], said: list[str]) -> None:
    found = problems(own, container)
    assert len(found) == len(said) and all(one.startswith(wanted) for one, wanted in zip(found, said, strict=True)), found


def test_windows_has_none() -> None:
    assert "may not be set for a windows pod" in problems({"limits": {"cpu": "1"}}, os={"name": "windows"})[0]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"hugepages-2Mi": "4Mi", "cpu": "1"}, []),
        ({"hugepages-2Mi": "2Mi"}, ["r: Forbidden: HugePages require cpu or memory"]),
        (
            {"hugepages-2Mi": "3Mi", "cpu": "1"},
            ['r.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of 2Mi'],
        ),
        (
            {"hugepages-big": "1", "cpu": "1"},
            ['r.limits[hugepages-big]: Invalid value: "hugepages-big": must name the size of its pages'],
        ),
    ],
)
def test_huge_pages(limits: dict[str, str], said: list[str]) -> None:
    given = msgspec.convert({"limits": limits}, core_v1.ResourceRequirements)
    assert [f"{found.field}: {found.message}" for found in resources(given, "r")] == said

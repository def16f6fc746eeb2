"""Proves what containers ask for together: beside each other, after each other, and all their life long."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.pod_totals import asked, whole_pod


@pytest.mark.parametrize(
    ("init", "containers", "total"),
    [
        ([], ["1", "500m"], "1500m"),
        ([("3", None)], ["1", "1"], "3"),
        ([("1", "Always"), ("3", None)], ["1", "1"], "4"),
        ([("3", None), ("1", "Always")], ["1", "1"], "3"),
        ([("1", "Always"), ("1", "Always")], ["1"], "3"),
        ([], ["lots"], "0"),
        ([], [], "0"),
    ],
)
def test_totals(init: list[tuple[str, str | None]], containers: list[str], total: str) -> None:
    spec = {
        "initContainers": [{"name": "i", "restartPolicy": policy, "resources": {"requests": {"cpu": cpu}}} for cpu, policy in init],
        "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}} for cpu in containers] + [{"name": "idle"}],
    }
    assert asked(msgspec.convert(spec, core_v1.PodSpec), "cpu") == quantity.parse(total)


def container(cpu: str, **more: Any) -> dict[str, Any]:
    return {"name": "c", "resources": {"requests": {"cpu": cpu}, "limits": {"cpu": cpu}}, **more}


@pytest.mark.parametrize(
    ("spec", "requests", "limits"),
    [
        ({"containers": [container("1"), container("500m")], "initContainers": [container("2")]}, {"cpu": "2"}, {"cpu": "2"}),
        ({"containers": [container("1")], "initContainers": [container("2", restartPolicy="Always")]}, {"cpu": "3"}, {"cpu": "3"}),
        (
            {"containers": [container("1")], "resources": {"requests": {"cpu": "4", "memory": "1Gi"}}},
            {"cpu": "4", "memory": "1Gi"},
            {"cpu": "1"},
        ),
        (
            {"containers": [container("1")], "overhead": {"cpu": "50m", "memory": "1Mi"}},
            {"cpu": "1050m", "memory": "1Mi"},
            {"cpu": "1050m"},
        ),
    ],
    ids=["greedy-init", "sidecar", "says-so-itself", "overhead"],
)
def test_a_whole_pod(spec: dict[str, Any], requests: dict[str, str], limits: dict[str, str]) -> None:
    given = msgspec.convert(spec, core_v1.PodSpec)
    for kind, expected in (("requests", requests), ("limits", limits)):
        assert whole_pod(given, kind) == {name: quantity.parse(value) for name, value in expected.items()}

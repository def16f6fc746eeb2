"""Proves what a pod asks of a node: containers, init containers, sidecars, overhead; and defaults for scoring."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.scheduler.facts import DEFAULT_MEMORY_BYTES, requests_of


def container(cpu: str = "", **more: Any) -> dict[str, Any]:
    return {"name": "c", "resources": {"requests": {"cpu": cpu}} if cpu else {}, **more}


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("containers", "init", "milli"),
    [
        ([container("100m"), container("1")], [], 1100),
        ([container("100m")], [container("2"), container("1")], 2000),
        ([container("1")], [container("500m", **SIDECAR)], 1500),
        ([container("1")], [container("500m", **SIDECAR), container("2")], 2500),
        ([container("1")], [container("2"), container("500m", **SIDECAR)], 2000),
    ],
)
def test_requests(containers: list[dict[str, Any]], init: list[dict[str, Any]], milli: int) -> None:
    spec = msgspec.convert({"containers": containers, "initContainers": init}, core_v1.PodSpec)
    assert requests_of(spec)[0]["cpu"] == milli


def test_nothing_asked_still_counts_when_scoring() -> None:
    requests, nonzero = requests_of(msgspec.convert({"containers": [container()], "overhead": {"cpu": "10m"}}, core_v1.PodSpec))
    assert requests == {"cpu": 10}
    assert nonzero == (100, DEFAULT_MEMORY_BYTES)

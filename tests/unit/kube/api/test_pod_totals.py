"""Proves what containers ask for together: beside each other, after each other, and all their life long."""

from __future__ import annotations

import msgspec
import pytest

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.pod_totals import asked


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

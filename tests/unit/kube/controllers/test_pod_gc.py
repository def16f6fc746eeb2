"""Proves that the oldest ended pods go, and only beyond the threshold."""

from __future__ import annotations

import pytest

from provisioner.kube.controllers.pod_gc import surplus
from tests.unit.kube.controllers.objects import at, pod


@pytest.mark.parametrize(("threshold", "gone"), [(0, []), (1, ["old", "middle"]), (2, ["old"]), (3, []), (9, [])])
def test_surplus(threshold: int, gone: list[str]) -> None:
    pods = [
        pod("middle", phase="Failed", creationTimestamp=at(-20)),
        pod("running", creationTimestamp=at(-90)),
        pod("new", phase="Succeeded", creationTimestamp=at(-10)),
        pod("old", phase="Succeeded", creationTimestamp=at(-30)),
    ]
    assert [p.metadata.name for p in surplus(pods, threshold)] == gone

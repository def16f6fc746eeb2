"""Proves which claims a pod uses."""

from __future__ import annotations

from provisioner.kube.controllers.volume_protection import claims_of
from tests.unit.kube.controllers.objects import pod


def test_named_and_ephemeral_claims() -> None:
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "big"}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
        {"name": "tmp", "emptyDir": {}},
    ]
    assert claims_of(pod("web-0", spec={"volumes": volumes})) == ["big", "web-0-scratch"]
    assert claims_of(pod()) == []

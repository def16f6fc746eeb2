"""Proves that a pod which doesn't fit beside the others is refused with upstream's reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.pod.admission import refusal
from provisioner.kube.kubelet.pod.services import Settings
from provisioner.kube.kubelet.volume.pod_files import Dns

SETTINGS = Settings("n", "10.0.0.1", Path("/x"), Dns((), ""), "pause", 1, {"cpu": 2000, "memory": 1024**3}, max_pods=3)


def pod(phase: str = "Running", port: int = 0, **requests: Any) -> core_v1.Pod:
    container: dict[str, Any] = {"name": "c", "resources": {"requests": requests}}
    if port:
        container["ports"] = [{"containerPort": 1, "hostPort": port}]
    return codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p"}, "spec": {"containers": [container]}, "status": {"phase": phase}})


def test_what_fits_is_taken() -> None:
    assert refusal(pod(cpu="1"), [pod(cpu="1")], SETTINGS) is None


def test_resources_that_are_used_up() -> None:
    found = refusal(pod(cpu="1500m"), [pod(cpu="1")], SETTINGS)
    assert found == ("OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000")
    assert refusal(pod(cpu="1500m"), [pod("Succeeded", cpu="1")], SETTINGS) is None


def test_too_many_pods() -> None:
    found = refusal(pod(), [pod(), pod(), pod()], SETTINGS)
    assert found is not None and found[0] == "OutOfpods"


def test_a_host_port_that_is_taken() -> None:
    found = refusal(pod(port=80), [pod(port=80)], SETTINGS)
    assert found is not None and found[0] == "NodePorts"
    assert refusal(pod(port=81), [pod(port=80)], SETTINGS) is None

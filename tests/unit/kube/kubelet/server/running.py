"""A container that runs, for tests of what the kubelet tells of it."""

from __future__ import annotations

from provisioner.kube.kubelet.runtime.containers import Container, view
from provisioner.kube.kubelet.runtime.docker_types import HostResources, Inspect, InspectConfig, State


def container(name: str) -> Container:
    labels = {
        "io.kubernetes.pod.uid": "u",
        "io.kubernetes.container.name": name,
        "io.kubernetes.pod.name": "p",
        "io.kubernetes.pod.namespace": "d",
    }
    state = State(status="running", running=True, started_at="2026-01-01T00:00:00Z")
    limits = HostResources(memory=64 << 20, cpu_shares=512, cpu_quota=50_000)
    found = view(Inspect(id=name, state=state, config=InspectConfig(image="busybox", labels=labels), host_config=limits))
    assert found is not None
    return found

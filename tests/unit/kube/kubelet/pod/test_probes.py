"""Proves when probes are asked, what their results mean, and that an adopted container keeps what it had."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.pod.handlers import Answer
from provisioner.kube.kubelet.pod.probes import Probes, about_container
from provisioner.kube.kubelet.runtime.containers import Container, view
from provisioner.kube.kubelet.runtime.docker_types import Inspect, InspectConfig, State


class Asked:
    """A container that answers as it is told, and a pod with the probes of the test."""

    def __init__(self, container: dict[str, Any], status: dict[str, Any] | None = None) -> None:
        self.clock = FakeClock()
        self.ok = True
        self.questions: list[float] = []
        self.events: list[str] = []
        self.changes = 0
        body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", **container}]}, "status": status or {}}
        self.pod = codec.decode_dict(core_v1.Pod, body)
        self.probes = Probes(self, self, self.clock, self.changed)  # type: ignore[arg-type]  # both faces are ours

    async def execute(self, container_id: str, command: list[str], timeout_s: float) -> Answer:
        self.questions.append(self.clock.monotonic())
        return Answer(self.ok, "said no")

    def event(self, _: object, __: str, reason: str, message: str) -> None:
        self.events.append(f"{reason}: {message}")

    def changed(self) -> None:
        self.changes += 1

    def running(self, id_: str = "id") -> Container:
        labels = {"io.kubernetes.pod.uid": "u", "io.kubernetes.container.name": "main"}
        started = self.clock.now().isoformat()
        found = view(Inspect(id=id_, state=State(status="running", running=True, started_at=started), config=InspectConfig(labels=labels)))
        assert found is not None
        return found

    def update(self, id_: str = "id") -> None:
        self.probes.update(self.pod, "10.0.0.1", {"main": self.running(id_)})


def probe(**fields: Any) -> dict[str, Any]:
    return {"exec": {"command": ["check"]}, "periodSeconds": 10, **fields}


async def test_a_container_without_probes_is_started_and_ready_at_once() -> None:
    asked = Asked({})
    asked.update()
    assert asked.probes.ready == asked.probes.started == {"id"}


async def test_readiness_needs_a_success_and_is_lost_by_failures() -> None:
    asked = Asked({"readinessProbe": probe(initialDelaySeconds=5, failureThreshold=2)})
    asked.update()
    await asked.clock.advance(4)
    assert asked.probes.ready == set() and asked.questions == []
    await asked.clock.advance(1)
    assert asked.probes.ready == {"id"} and asked.questions == [5.0]
    (told,) = asked.probes.samples(asked.pod)
    assert (told.name, told.labels["probe_type"], told.labels["result"], told.value) == ("prober_probe_total", "Readiness", "successful", 1)
    asked.ok = False
    await asked.clock.advance(10)
    assert asked.probes.ready == {"id"}
    await asked.clock.advance(10)
    assert asked.probes.ready == set() and asked.events == ["Unhealthy: Readiness probe failed: said no"] * 2
    asked.probes.stop()


async def test_liveness_failures_ask_for_a_restart() -> None:
    asked = Asked({"livenessProbe": probe(failureThreshold=2)})
    asked.update()
    asked.ok = False
    await asked.clock.advance(0)
    assert asked.probes.unhealthy == {}
    await asked.clock.advance(10)
    assert asked.probes.unhealthy == {"id": "Container main failed liveness probe, will be restarted"}
    asked.update("another")
    assert asked.probes.unhealthy == {} and asked.probes.ready == {"another"}
    asked.probes.stop()


async def test_a_startup_probe_holds_the_others_back() -> None:
    asked = Asked({"startupProbe": probe(periodSeconds=1, failureThreshold=5), "readinessProbe": probe(periodSeconds=1)})
    asked.ok = False
    asked.update()
    await asked.clock.advance(2)
    assert asked.probes.started == asked.probes.ready == set()
    asked.ok = True
    await asked.clock.advance(2)
    assert asked.probes.started == asked.probes.ready == {"id"}
    asked.probes.stop()


async def test_too_many_startup_failures_ask_for_a_restart() -> None:
    asked = Asked({"startupProbe": probe(periodSeconds=1, failureThreshold=3)})
    asked.ok = False
    asked.update()
    await asked.clock.advance(2)
    assert "failed startup probe" in asked.probes.unhealthy["id"]


@pytest.mark.parametrize("ready", [True, False])
async def test_an_adopted_container_is_as_ready_as_it_was(ready: bool) -> None:
    status = {"containerStatuses": [{"name": "main", "containerID": "docker://id", "ready": ready, "started": True}]}
    asked = Asked({"startupProbe": probe(), "readinessProbe": probe(initialDelaySeconds=100)}, status)
    asked.update()
    assert asked.probes.started == {"id"} and bool(asked.probes.ready) is ready
    asked.probes.stop()


async def test_a_probe_may_have_a_grace_period_of_its_own() -> None:
    asked = Asked({"livenessProbe": probe(failureThreshold=1, terminationGracePeriodSeconds=3)})
    asked.ok = False
    asked.update()
    await asked.clock.advance(1)
    assert list(asked.probes.unhealthy) == ["id"]
    assert asked.probes.grace_s("id") == 3
    assert asked.probes.grace_s("other") is None
    asked.probes.stop()


async def test_probes_ask_where_the_pod_is_now() -> None:
    """After the kubelet's own restart containers are found running before their pod's address is known."""
    asked = Asked({"readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 10}})
    hosts: list[str] = []

    async def tcp(action: object, container: object, pod_ip: str, timeout_s: float) -> Answer:
        hosts.append(pod_ip)
        return Answer(bool(pod_ip), "")

    asked.tcp = tcp  # type: ignore[attr-defined]  # a face of ours
    asked.probes.update(asked.pod, "", {"main": asked.running()})
    await asked.clock.advance(1)
    asked.update()
    await asked.clock.advance(10)
    assert hosts == ["", "10.0.0.1"] and asked.probes.ready == {"id"}


async def test_readiness_goes_on_while_the_pod_ends_and_liveness_does_not() -> None:
    asked = Asked({"readinessProbe": probe(failureThreshold=1), "livenessProbe": probe(failureThreshold=1)})
    asked.update()
    await asked.clock.advance(1)
    assert asked.probes.ready == {"id"}
    asked.probes.end()
    asked.ok = False
    await asked.clock.advance(10)
    assert (asked.probes.ready, asked.probes.unhealthy) == (set(), {})
    asked.probes.stop()


@pytest.mark.parametrize(
    ("name", "path"), [("a", "spec.initContainers{a}"), ("b", "spec.containers{b}"), ("c", "spec.ephemeralContainers{c}")]
)
def test_what_events_of_a_container_are_about(name: str, path: str) -> None:
    spec = {"initContainers": [{"name": "a"}], "containers": [{"name": "b"}], "ephemeralContainers": [{"name": "c"}]}
    assert about_container(codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p"}, "spec": spec}), name).field_path == path

"""Proves how a container of Docker is read, and that the cache follows events, reconnects and forgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.runtime import containers as module
from provisioner.kube.kubelet.runtime.containers import Containers, docker_name, view
from provisioner.kube.kubelet.runtime.docker_types import Actor, Event, Inspect, InspectConfig, State, Summary

LABELS = {"io.kubernetes.pod.uid": "u", "io.kubernetes.container.name": "main", "annotation.io.kubernetes.container.restartCount": "3"}
ZERO = "0001-01-01T00:00:00Z"


def inspected(id_: str = "id", status: str = "running", code: int = 0, labels: dict[str, str] | None = None) -> Inspect:
    state = State(status=status, running=status == "running", exit_code=code, started_at=ZERO, finished_at=ZERO)
    return Inspect(id=id_, created="2026-01-01T00:00:00Z", state=state, config=InspectConfig(labels=LABELS if labels is None else labels))


def test_names_are_those_of_dockershim() -> None:
    assert docker_name("main", "p", "d", "u", 2) == "k8s_main_p_d_u_2"


def test_a_container_is_read_with_its_labels() -> None:
    found = view(inspected())
    assert found is not None
    assert (found.pod_uid, found.name, found.attempt, found.running, found.started_at) == ("u", "main", 3, True, "")
    assert view(inspected(labels={})) is None


def test_one_that_could_not_start_has_ended() -> None:
    found = view(inspected(status="created", code=127))
    assert found is not None and found.exited and found.finished_at == "2026-01-01T00:00:00Z"
    fresh = view(inspected(status="created"))
    assert fresh is not None and not fresh.exited and not fresh.running


class FakeDocker:
    def __init__(self) -> None:
        self.there: dict[str, Inspect] = {}
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=10)
        self.connections = 0

    async def info(self) -> dict[str, Any]:
        return {"SystemTime": "2026-01-01T00:00:00.123456789Z"}

    async def containers(self, labels: tuple[str, ...]) -> list[Summary]:
        return [Summary(id=i.id, state=i.state.status, labels=i.config.labels) for i in self.there.values()]

    async def inspect(self, id_: str) -> Inspect:
        if id_ not in self.there:
            raise DockerError(404, "no such container")
        return self.there[id_]

    async def events(self, since_ns: int) -> AsyncIterator[Event]:
        assert since_ns == 1767225600123456000
        self.connections += 1
        while (event := await self.queue.get()) is not None:
            yield event

    async def happens(self, id_: str, action: str) -> None:
        await self.queue.put(Event(type="container", action=action, actor=Actor(id=id_, attributes=LABELS)))


async def test_the_cache_follows_docker(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "RECONNECT_S", 0.0)
    docker = FakeDocker()
    docker.there["a"] = inspected("a")
    found = Containers(docker)  # type: ignore[arg-type]
    told: asyncio.Queue[str] = asyncio.Queue(maxsize=10)
    found.on_change(told.put_nowait)
    assert found.failure is not None
    running = spawn("containers", found.run())
    async with asyncio.timeout(5):
        await found.synced.wait()
        assert found.failure is None and [c.id for c in found.of_pod("u")] == ["a"] and await told.get() == "u"
        docker.there["a"] = inspected("a", "exited", 1)
        await docker.happens("a", "die")
        assert await told.get() == "u" and found.of_pod("u")[0].exited
        # The stream ends, and something goes away unseen.
        docker.there = {"b": inspected("b")}
        await docker.queue.put(None)
        while [c.id for c in found.of_pod("u")] != ["b"]:
            await told.get()
        assert docker.connections <= 2
        await docker.happens("b", "destroy")
        while found.pods():
            await told.get()
    await stop(running)

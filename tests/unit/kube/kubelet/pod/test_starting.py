"""Proves which of Docker's runtimes a pod gets by its RuntimeClass, and what becomes of a container whose postStart hook fails."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1, node_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.errors import ContainerRefused, DockerError
from provisioner.kube.kubelet.pod import starting
from provisioner.kube.kubelet.pod.handlers import Answer
from provisioner.kube.kubelet.pod.services import Services
from provisioner.kube.kubelet.pod.starting import runtime_of
from provisioner.kube.kubelet.runtime.containers import Container, view
from provisioner.kube.kubelet.runtime.docker_types import Inspect, InspectConfig, State

CLASSES = {"heavy": node_v1.RuntimeClass(handler="runsc"), "odd": node_v1.RuntimeClass(handler="none-such")}


async def _class(name: str) -> node_v1.RuntimeClass | None:
    return CLASSES.get(name)


async def _info() -> dict[str, Any]:
    return {"Runtimes": {"runc": {}, "runsc": {}}}


SERVICES = cast(Services, SimpleNamespace(objects=SimpleNamespace(runtime_class=_class), docker=SimpleNamespace(info=_info)))


@pytest.mark.parametrize(
    ("name", "runtime", "problem"),
    [
        (None, "", ""),
        ("heavy", "runsc", ""),
        ("odd", "", 'no runtime for "none-such" is configured'),
        ("gone", "", 'RuntimeClass "gone" not found'),
    ],
)
async def test_runtime(name: str | None, runtime: str, problem: str) -> None:
    pod = core_v1.Pod(spec=core_v1.PodSpec(runtime_class_name=name))
    if problem:
        with pytest.raises(DockerError, match=problem):
            await runtime_of(SERVICES, pod)
    else:
        assert await runtime_of(SERVICES, pod) == runtime


class Started:
    """Docker, the index, hooks, events and the clock of a container whose postStart hook fails."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def create(self, name: str, config: dict[str, Any]) -> str:
        return "id"

    async def start(self, id_: str) -> None:
        self.log.append(f"start {id_}")

    async def stop(self, id_: str, grace_s: int) -> None:
        self.log.append(f"stop {id_} {grace_s}")

    async def wait(self, id_: str, limit_s: float) -> int:
        await asyncio.Event().wait()
        return 0

    async def refresh(self, id_: str) -> Container | None:
        labels = {"io.kubernetes.pod.uid": "u", "io.kubernetes.container.name": "main"}
        return view(Inspect(id=id_, state=State(status="running", running=True), config=InspectConfig(labels=labels)))

    def of_pod(self, uid: str) -> list[Container]:
        return []

    async def hook(self, handler: core_v1.LifecycleHandler, *_: object) -> Answer:
        command = (handler.exec and handler.exec.command) or [""]
        self.log.append(f"hook {command[0]}")
        return Answer(command[0] != "bad", "exited with 3")

    def event(self, about: object, kind: str, reason: str, message: str) -> None:
        self.log.append(f"{reason}: {message}")


async def test_a_container_whose_hook_fails_ends_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def configured(*_: object) -> dict[str, object]:
        return {}

    monkeypatch.setattr(starting, "_configured", configured)
    node = Started()
    parts = dict.fromkeys(("docker", "containers", "handlers", "recorder"), node)
    services = cast(Services, SimpleNamespace(clock=FakeClock(), **parts))
    hooks = {"postStart": {"exec": {"command": ["bad"]}}, "preStop": {"exec": {"command": ["bye"]}}}
    spec = {"terminationGracePeriodSeconds": 7, "containers": [{"name": "main", "lifecycle": hooks}]}
    pod = codec.decode_dict(core_v1.Pod, {"metadata": {"name": "p", "uid": "u"}, "spec": spec})
    with pytest.raises(ContainerRefused, match="exited with 3"):
        await starting.start_container(services, pod, "main", cast(Container, None), "10.0.0.1")
    assert node.log == [
        "Created: Container created",
        "start id",
        "Started: Container started",
        "hook bad",
        "FailedPostStartHook: PostStartHook failed",
        "Killing: FailedPostStartHook",
        "hook bye",
        "stop id 7",
    ]

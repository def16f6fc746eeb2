"""Proves in which order a pod's containers end, in what time, and what their hooks have to do with it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.pod.handlers import Answer
from provisioner.kube.kubelet.pod.services import Services
from provisioner.kube.kubelet.pod.stopping import grace_of, stop_all
from provisioner.kube.kubelet.runtime.containers import Container, view
from provisioner.kube.kubelet.runtime.docker_types import Inspect, InspectConfig, State

HOOK = {"preStop": {"exec": {"command": ["bye"]}}}


class Node:
    """Containers that end when they are told to, or when the test says so; `log` is what happened."""

    def __init__(self, *names: str) -> None:
        self.log: list[str] = []
        self.clock = FakeClock()
        self.ended = {name: asyncio.Event() for name in names}
        self.hooked = {name: asyncio.Event() for name in names}
        self.slow: set[str] = set()
        self.answer = Answer(True, "")
        parts = dict.fromkeys(("docker", "containers", "handlers", "recorder"), self)
        self.services = cast(Services, SimpleNamespace(clock=self.clock, **parts))
        self.running = [container(name) for name in names]

    async def stop(self, id_: str, grace_s: int) -> None:
        self.log.append(f"stop {id_} {grace_s}")
        if id_ not in self.slow:
            self.ended[id_].set()
        await self.ended[id_].wait()

    async def wait(self, id_: str, _: float) -> int:
        await self.ended[id_].wait()
        return 0

    async def refresh(self, id_: str) -> None:
        self.log.append(f"gone {id_}")

    async def hook(self, _: object, __: object, id_: str, ___: str) -> Answer:
        self.log.append(f"hook {id_}")
        await self.hooked[id_].wait()
        return self.answer

    def event(self, _: object, __: str, reason: str, ___: str) -> None:
        if reason != "Killing":
            self.log.append(reason)

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def stopping(self, pod: core_v1.Pod, grace_s: int) -> asyncio.Task[None]:
        task = asyncio.create_task(stop_all(self.services, pod, self.running, grace_s, "10.0.0.1"))
        await self.settle()
        return task


def container(name: str) -> Container:
    labels = {"io.kubernetes.pod.uid": "u", "io.kubernetes.container.name": name}
    found = view(Inspect(id=name, state=State(status="running", running=True), config=InspectConfig(labels=labels)))
    assert found is not None
    return found


def pod(*mains: dict[str, Any], sidecars: tuple[str, ...] = (), lifecycle: dict[str, Any] | None = None) -> core_v1.Pod:
    inits = [{"name": name, "restartPolicy": "Always", "lifecycle": lifecycle} for name in sidecars]
    body = {"metadata": {"name": "p"}, "spec": {"initContainers": inits, "containers": list(mains)}}
    return codec.decode_dict(core_v1.Pod, body)


async def test_sidecars_end_after_the_others_the_last_one_first() -> None:
    node = Node("first", "second", "main", "other")
    node.slow = {"main"}
    task = await node.stopping(pod({"name": "main"}, {"name": "other"}, sidecars=("first", "second")), 30)
    assert node.log == ["stop main 30", "stop other 30", "gone other"]
    node.ended["main"].set()
    await task
    assert [line for line in node.log if line.startswith("stop")][2:] == ["stop second 30", "stop first 30"]


async def test_a_sidecars_hook_begins_with_the_end_of_the_pod() -> None:
    node = Node("side", "main")
    node.slow = {"main"}
    task = await node.stopping(pod({"name": "main"}, sidecars=("side",), lifecycle=HOOK), 30)
    assert "hook side" in node.log and "stop side 30" not in node.log
    node.hooked["side"].set()
    node.ended["main"].set()
    await task
    assert node.log[-2:] == ["stop side 30", "gone side"]


async def test_a_hook_that_hangs_has_the_grace_period_and_no_longer() -> None:
    node = Node("main")
    await (await node.stopping(pod({"name": "main", "lifecycle": HOOK}), 1))
    assert node.log == ["hook main", "stop main 1", "gone main"]


async def test_a_container_that_ends_by_itself_needs_no_hook_any_more() -> None:
    node = Node("main")
    task = await node.stopping(pod({"name": "main", "lifecycle": HOOK}), 3600)
    assert node.log == ["hook main"]
    node.ended["main"].set()
    await asyncio.wait_for(task, 1)
    assert node.log[-1] == "gone main"


async def test_a_hook_that_fails_is_told_of() -> None:
    node = Node("main")
    node.answer = Answer(False, "no")
    node.hooked["main"].set()
    await (await node.stopping(pod({"name": "main", "lifecycle": HOOK}), 30))
    assert node.log == ["hook main", "FailedPreStopHook", "stop main 30", "gone main"]


@pytest.mark.parametrize(
    ("deletion", "spec", "removed", "seconds"),
    [({}, None, False, 30), ({}, 7, False, 7), ({}, 7, True, 1), ({"deletionGracePeriodSeconds": 3}, 7, False, 3), ({"deletionGracePeriodSeconds": 0}, 7, False, 1)],
)  # fmt: skip
def test_grace(deletion: dict[str, Any], spec: int | None, removed: bool, seconds: int) -> None:
    stamp = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if deletion else {}
    body = {"metadata": {"name": "p", **stamp, **deletion}, "spec": {"containers": [], "terminationGracePeriodSeconds": spec}}
    assert grace_of(codec.decode_dict(core_v1.Pod, body), removed=removed) == seconds

"""Proves in which order a host's pods end when it shuts down, and that nothing ends when only the kubelet does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.kubelet.node import shutdown
from provisioner.kube.kubelet.node.shutdown import CRITICAL, MESSAGE, Group, Shutdown, host_is_stopping, in_groups

GROUPS = (Group(CRITICAL, 10), Group(0, 20))


def pod(name: str, priority: int | None = None, phase: str = "Running") -> core_v1.Pod:
    body = {"metadata": {"name": name, "uid": name}, "spec": {"containers": [], "priority": priority}, "status": {"phase": phase}}
    return codec.decode_dict(core_v1.Pod, body)


class Pods:
    def __init__(self, *pods: core_v1.Pod) -> None:
        self.pods = pods
        self.log: list[str] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    def all(self) -> Iterable[core_v1.Pod]:
        return self.pods

    def evict(self, uid: str, message: str, grace_s: int, reason: str) -> None:
        assert (message, reason) == (MESSAGE, "Terminated")
        self.log.append(f"{uid} {grace_s}")

    async def ended(self, uid: str) -> None:
        await self.may_end.wait()
        self.log.append(f"{uid} ended")


async def run(pods: Pods, groups: Iterable[Group] = GROUPS, *, stopping: bool = True) -> Shutdown:
    async def is_stopping() -> bool:
        return stopping

    found = Shutdown(tuple(groups), pods, lambda: pods.log.append("begins"), is_stopping)
    await found.run()
    return found


async def test_critical_pods_end_last() -> None:
    pods = Pods(pod("critical", CRITICAL + 1000), pod("plain"), pod("done", phase="Succeeded"), pod("low", -5))
    assert (await run(pods)).begun
    assert pods.log == ["begins", "plain 20", "low 20", "plain ended", "low ended", "critical 10", "critical ended"]


@pytest.mark.parametrize(("groups", "stopping"), [((), True), (GROUPS, False)])
async def test_nothing_ends_where_nothing_is_asked_or_only_the_kubelet_stops(groups: tuple[Group, ...], stopping: bool) -> None:
    pods = Pods(pod("plain"))
    found = await run(pods, groups, stopping=stopping)
    assert (found.begun, pods.log) == (False, [])


async def test_a_group_that_does_not_end_in_time_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "SLACK_S", 0.01)
    pods = Pods(pod("hangs"), pod("critical", CRITICAL))
    pods.may_end.clear()
    await run(pods, (Group(0, 0), Group(CRITICAL, 0)))
    assert pods.log == ["begins", "hangs 0", "critical 0"]


def test_groups_by_priority() -> None:
    groups = (Group(1000, 3), Group(10, 1), Group(100, 2))
    pods = [pod("none"), pod("ten", 10), pod("many", 5000), pod("between", 999)]
    found = {group.priority: [p.metadata.name for p in members] for group, members in in_groups(pods, groups)}
    assert found == {10: ["none", "ten"], 100: ["between"], 1000: ["many"]}


async def test_this_host_is_not_stopping() -> None:
    assert await host_is_stopping() is False

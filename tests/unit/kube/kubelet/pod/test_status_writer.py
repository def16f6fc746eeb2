"""Proves the patch between two statuses, and that only the newest one is written."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.pod.status_writer import StatusWriter, patch_between


def test_only_what_changed_and_only_our_conditions() -> None:
    before = {"phase": "Pending", "podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}], "message": "old", "startTime": "t"}
    conditions = [{"type": "Ready", "status": "True"}, {"type": "example.com/gate", "status": "True"}]
    after = {"phase": "Running", "podIP": "2.2.2.2", "podIPs": [{"ip": "2.2.2.2"}], "conditions": conditions, "startTime": "t"}
    assert patch_between(before, after) == {
        "phase": "Running",
        "podIP": "2.2.2.2",
        "podIPs": [{"ip": "1.1.1.1", "$patch": "delete"}, {"ip": "2.2.2.2"}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "message": None,
    }


class FakeClient:
    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.errors: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.version = 10

    async def patch(self, kind: Any, name: str, namespace: str, *, body: Any, **_: Any) -> core_v1.Pod:
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop()
        self.calls.append(("patch", body["status"].get("phase") or body["status"]))
        self.version += 1
        return core_v1.Pod(metadata=meta_v1.ObjectMeta(name=name, resource_version=str(self.version)))

    async def delete(self, kind: Any, name: str, namespace: str, **options: Any) -> None:
        self.calls.append(("delete", options))


POD = core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p", namespace="d", uid="u"))


async def test_the_newest_status_wins_and_the_same_one_is_not_written_again() -> None:
    client = FakeClient()
    writer = StatusWriter(client)  # type: ignore[arg-type]
    client.gate.clear()
    running = spawn("writer", writer.run())
    for phase in ("Pending", "Pending", "Running", "Succeeded"):
        writer.report(POD, core_v1.PodStatus(phase=phase))
        await asyncio.sleep(0)
    client.gate.set()
    await writer.finish(POD)
    await stop(running)
    patches = [what for call, what in client.calls if call == "patch"]
    assert patches[-1] == "Succeeded" and len(patches) <= 2
    assert client.calls[-1] == ("delete", {"grace_period_s": 0, "uid": "u"})


async def test_what_others_make_of_it_is_put_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioner.kube.kubelet.pod.status_writer.REPAIR_S", 0.01)
    client = FakeClient()
    writer = StatusWriter(client)  # type: ignore[arg-type]
    running = spawn("writer", writer.run())
    ready = [core_v1.PodCondition(type="Ready", status="True", last_transition_time="2026-01-01T00:00:00Z")]
    status = core_v1.PodStatus(phase="Running", conditions=ready)
    writer.report(POD, status)
    await writer.written("u")

    def seen(version: int, ready: str) -> core_v1.Pod:
        others = core_v1.PodStatus(phase="Running", conditions=[core_v1.PodCondition(type="Ready", status=ready)])
        return core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p", namespace="d", uid="u", resource_version=str(version)), status=others)

    # As it was before our write: the informer is behind. And with somebody's label, but what we said.
    for pod in (seen(9, "False"), seen(12, "True")):
        writer.report(pod, status)
    await writer.written("u")
    assert client.calls == [("patch", "Running")]
    writer.report(seen(13, "False"), status)
    async with asyncio.timeout(5):
        await writer.written("u")
    await stop(running)
    assert len(client.calls) == 2 and client.calls[1][1]["conditions"][0]["status"] == "True"


async def test_a_pod_that_is_gone_is_no_failure_and_others_are_tried_again() -> None:
    client = FakeClient()
    client.errors = [StatusError(404, "NotFound", "no such pod"), StatusError(500, "InternalError", "try again")]
    writer = StatusWriter(client)  # type: ignore[arg-type]
    running = spawn("writer", writer.run())
    writer.report(POD, core_v1.PodStatus(phase="Running"))
    async with asyncio.timeout(5):
        await writer.finish(POD)
    await stop(running)
    assert client.errors == []


def test_reasons_that_are_over_are_taken_back_and_so_are_conditions() -> None:
    before = {"conditions": [{"type": "Ready", "status": "False", "reason": "Why"}, {"type": "PodResizePending", "status": "True"}]}
    own, other = {"type": "AllContainersRestarting", "status": "True"}, {"type": "x.io/g", "status": "True"}
    patch = patch_between(before, {"conditions": [{"type": "Ready", "status": "True"}, own, other]})
    assert patch["conditions"] == [
        {"type": "Ready", "status": "True", "reason": None},
        own,
        {"type": "PodResizePending", "$patch": "delete"},
    ]

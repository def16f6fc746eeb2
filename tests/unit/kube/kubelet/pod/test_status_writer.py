"""Proves the patch between two statuses, and that only the newest one is written."""

from __future__ import annotations

import asyncio
from typing import Any

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

    async def patch(self, kind: Any, name: str, namespace: str, *, body: Any, **_: Any) -> None:
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop()
        self.calls.append(("patch", body["status"]["phase"]))

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

"""Brings pods' statuses to the API, newest wins: one patch for each change, nothing for none, again after a failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import Client
from provisioner.kube.client.workers import run_workers
from provisioner.kube.client.workqueue import WorkQueue
from provisioner.kube.kubelet.pod.status import DISRUPTION, OURS, RESIZING, RESTARTING

log = logging.getLogger(__name__)

WORKERS = 8
WRITTEN = (*OURS, DISRUPTION, RESTARTING, *RESIZING)
# How long somebody else's word about a pod of ours stands. Upstream looks at all of them every ten seconds.
REPAIR_S = 1.0
# What only we know, beside our conditions.
FACTS = ("phase", "podIP", "podIPs", "hostIP", "hostIPs")
COUNTED = ("name", "ready", "restartCount", "containerID")
# Fields that a patch has to clear by name when they go away.
CLEARED = ("reason", "message", "podIP", "hostIP", "containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


@dataclass(slots=True)
class _Entry:
    pod: core_v1.Pod
    status: dict[str, Any]
    written: dict[str, Any] | None
    remove: bool = False
    # Of the object as it was after our last write, or as it was when we last looked at what others have written.
    version: int = 0
    # What others have made of it, until it is put right.
    drifted: dict[str, Any] | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)


class StatusWriter:
    """`report` never blocks. A pod that is gone from the API, or is another one by now, is forgotten quietly."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._queue = WorkQueue("pod status", first_delay_s=0.05, max_delay_s=5.0)
        self._entries: dict[str, _Entry] = {}
        # static pod's uid -> its mirror's, "" for none yet
        self._mirrors: dict[str, str] = {}

    def mirrored(self, pod_uid: str, mirror_uid: str | None = None) -> None:
        """This pod is known to the API only as its mirror; until there is one its status waits."""
        if mirror_uid and self._mirrors.get(pod_uid) != mirror_uid and pod_uid in self._entries:
            self._entries[pod_uid].written = {}
            self._queue.add(pod_uid)
        self._mirrors[pod_uid] = mirror_uid or self._mirrors.get(pod_uid, "")

    def report(self, pod: core_v1.Pod, status: core_v1.PodStatus) -> None:
        uid = pod.metadata.uid or ""
        plain: dict[str, Any] = msgspec.to_builtins(status)
        entry = self._entries.get(uid)
        if entry is None:
            self._entries[uid] = entry = _Entry(pod, plain, msgspec.to_builtins(pod.status))
        entry.pod, entry.status = pod, plain
        if entry.written != plain:
            entry.done.clear()
            self._queue.add(uid)
        elif not self._drifts(uid, entry):
            entry.done.set()

    def _drifts(self, uid: str, entry: _Entry) -> bool:
        """Whether others have made something else of what is ours to tell: it is told again after a while."""
        version = int(entry.pod.metadata.resource_version or 0)
        if entry.version and version > entry.version:
            entry.version = version
            seen: dict[str, Any] = msgspec.to_builtins(entry.pod.status)
            entry.drifted = seen if told(seen) != told(entry.status) else None
            if entry.drifted is not None:
                entry.done.clear()
                self._queue.add_after(uid, REPAIR_S)
        return entry.drifted is not None

    async def finish(self, pod: core_v1.Pod) -> None:
        """Until what was reported last is written, and the pod's object is deleted for good."""
        entry = self._entries.get(pod.metadata.uid or "")
        if entry is None:
            entry = self._entries[pod.metadata.uid or ""] = _Entry(pod, {}, {})
        entry.pod, entry.remove = pod, True
        entry.done.clear()
        self._queue.add(pod.metadata.uid or "")
        await entry.done.wait()

    async def written(self, pod_uid: str) -> None:
        """Until what was reported last of a pod is in the API."""
        if (entry := self._entries.get(pod_uid)) is not None:
            await entry.done.wait()

    def forget(self, pod_uid: str) -> None:
        entry = self._entries.pop(pod_uid, None)
        self._mirrors.pop(pod_uid, None)
        if entry is not None:
            entry.done.set()

    async def run(self) -> None:
        await run_workers("pod status", self._queue, self._write, workers=WORKERS)

    async def _write(self, uid: str) -> None:
        entry = self._entries.get(uid)
        if entry is None:
            return
        pod, status = entry.pod, entry.status
        known_as = self._mirrors.get(uid, uid)
        if not known_as:
            return
        name, namespace = pod.metadata.name or "", pod.metadata.namespace
        before = entry.drifted if entry.drifted is not None else entry.written
        try:
            if status and before != status:
                body = {"metadata": {"uid": known_as}, "status": patch_between(before or {}, status)}
                patched = await self._client.patch(core_v1.Pod, name, namespace, body=body, patch_type="strategic", subresource="status")
                entry.written, entry.version, entry.drifted = status, int(patched.metadata.resource_version or 0), None
            if entry.remove:
                await self._client.delete(core_v1.Pod, name, namespace, grace_period_s=0, uid=uid)
        except StatusError as error:
            # 409 and 422: the name belongs to another pod (uid) by now.
            if error.code == 404 or (error.code in (409, 422) and "uid" in error.message.lower()):
                log.info("status of a pod that is gone pod=%s/%s", namespace, name)
            else:
                raise
        if entry.status is status:
            entry.done.set()


def told(status: Mapping[str, Any]) -> Any:
    """The part of a status that is the kubelet's alone, to be compared."""
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or () if c["type"] in OURS}
    containers = [[c.get(key) for key in COUNTED] for c in status.get("containerStatuses") or ()]
    return [status.get(key) for key in FACTS], conditions, containers


def patch_between(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The strategic merge patch: our conditions by type, old addresses taken out, vanished fields set to null."""
    patch = {key: value for key, value in after.items() if before.get(key) != value}
    if "conditions" in patch:
        known = {c["type"]: c for c in before.get("conditions") or ()}
        ours = [c for c in after["conditions"] if c["type"] in WRITTEN]
        patch["conditions"] = [{**{key: None for key in known.get(c["type"], ()) if key not in c}, **c} for c in ours]
        # A condition that was ours and is no more is taken away.
        patch["conditions"] += [{"type": t, "$patch": "delete"} for t in known if t in RESIZING and t not in {c["type"] for c in ours}]
    for key in ("podIPs", "hostIPs"):
        old = [entry["ip"] for entry in before.get(key) or ()]
        new = [entry["ip"] for entry in after.get(key) or ()]
        gone = [{"ip": ip, "$patch": "delete"} for ip in old if ip not in new]
        if gone:
            patch[key] = gone + [{"ip": ip} for ip in new]
    patch |= {key: None for key in CLEARED if key in before and key not in after}
    return patch

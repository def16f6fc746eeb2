"""Keeps this node's object true: registers it, takes its pod range, and writes its status when it changed and every five minutes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.node.machine import Machine
from provisioner.kube.kubelet.node.status import Health, node_status
from provisioner.kube.kubelet.runtime.containers import Containers
from provisioner.kube.kubelet.runtime.docker import Docker
from provisioner.kube.network.ip_batch import NetworkError
from provisioner.kube.network.podnet import PodNetwork

log = logging.getLogger(__name__)

RETRY_S = 2.0
# A status in which only heartbeats are new is written this often; the lease says the rest.
REPORT_S = 300.0


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """As configured. `reserved` is systemReserved and kubeReserved together."""

    name: str
    ip: str
    port: int
    version: str
    root: Path
    labels: dict[str, str] = field(default_factory=dict)
    taints: Sequence[core_v1.Taint] = ()
    register: bool = True
    max_pods: int = 110
    provider_id: str = ""
    status_frequency_s: float = 10.0
    reserved: dict[str, str] = field(default_factory=dict)


class NodeKeeper:
    """One node. `observed` is the node informer's handler."""

    def __init__(
        self,
        client: Client,
        settings: NodeSettings,
        machine: Machine,
        docker: Docker,
        containers: Containers,
        network: PodNetwork,
        recorder: EventRecorder,
        clock: Clock,
    ) -> None:
        self._client, self._settings, self._machine = client, settings, machine
        self._docker, self._containers, self._network = docker, containers, network
        self._recorder, self._clock = recorder, clock
        self._node: core_v1.Node | None = None
        self._wake = asyncio.Event()
        self._written: dict[str, Any] = {}
        self._written_at = 0.0
        self._range = ""
        self._network_problem = ""
        self.network_ready = asyncio.Event()
        self._began = self._unschedulable = False
        self.pressures: Callable[[], frozenset[str]] = frozenset
        self.shutting_down: Callable[[], bool] = bool

    def changed(self) -> None:
        """Look at the status now."""
        self._wake.set()

    def reference(self) -> core_v1.ObjectReference:
        return core_v1.ObjectReference(api_version="v1", kind="Node", name=self._settings.name, uid=self._settings.name)

    def observed(self, node: core_v1.Node) -> None:
        """The node's object as the API has it now."""
        self._node = node
        if (unschedulable := bool(node.spec.unschedulable)) != self._unschedulable:
            self._unschedulable = unschedulable
            self._note("NodeNotSchedulable" if unschedulable else "NodeSchedulable")
        if node.spec.pod_cidr and node.spec.pod_cidr != self._range:
            self._wake.set()

    def deleted(self, _: core_v1.Node) -> None:
        """Somebody took the object away: it is made again."""
        self._node = None
        self._written = {}
        self._wake.set()

    # -- registration ----------------------------------------------------------------------------------------------

    async def register(self) -> None:
        """Until the node's object exists with our labels. An existing one keeps its taints, and what others put on it."""
        while True:
            try:
                await self._register_once()
                return
            except (StatusError, ConnectionFailed) as error:
                log.warning("node not registered yet node=%s: %s", self._settings.name, error)
                await self._clock.sleep(RETRY_S)

    def _labels(self) -> dict[str, str]:
        fixed = {
            "kubernetes.io/hostname": self._settings.name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": self._machine.architecture,
            "beta.kubernetes.io/os": "linux",
            "beta.kubernetes.io/arch": self._machine.architecture,
        }
        return fixed | self._settings.labels

    async def _register_once(self) -> None:
        settings = self._settings
        if settings.register:
            node = core_v1.Node(
                metadata=meta_v1.ObjectMeta(name=settings.name, labels=self._labels()),
                spec=core_v1.NodeSpec(taints=list(settings.taints) or None, provider_id=settings.provider_id or None),
                status=await self._status(core_v1.NodeStatus()),
            )
            try:
                self._node = await self._client.create(node)
                log.info("node registered node=%s", settings.name)
                return
            except StatusError as error:
                if error.code != 409:
                    raise
        self._node = await self._client.get(core_v1.Node, settings.name)
        there = self._node.metadata.labels or {}
        missing = {key: value for key, value in self._labels().items() if there.get(key) != value}
        if missing and settings.register:
            try:
                self._node = await self._client.patch(core_v1.Node, settings.name, body={"metadata": {"labels": missing}})
            except StatusError as error:
                # The API server lets a node not take every label once it is registered; it is a node all the same.
                if error.code != 403:
                    raise
                log.warning("labels of the node are not changed node=%s: %s", settings.name, error.message)

    # -- status ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Status for ever; at once when there is a pod range."""
        while True:
            try:
                await self._take_range()
                await self._write()
            except (StatusError, ConnectionFailed, DockerError) as error:
                log.warning("node status not written node=%s: %s", self._settings.name, error)
                if isinstance(error, StatusError) and error.code == 404:
                    await self.register()
            self._wake.clear()
            try:
                async with asyncio.timeout(self._settings.status_frequency_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _take_range(self) -> None:
        pod_range = self._node.spec.pod_cidr if self._node is not None else None
        if pod_range and pod_range != self._range:
            try:
                await self._network.configure(pod_range)
            except (NetworkError, OSError, ValueError) as error:
                self._network_problem = str(error)
                return
            self._range, self._network_problem = pod_range, ""
            self.network_ready.set()
            log.info("pod range taken range=%s", pod_range)

    def _problems(self) -> list[str]:
        problems = []
        if self._containers.failure is not None:
            problems.append(f"container runtime is down: {self._containers.failure}")
        if not self._range:
            why = self._network_problem or "the node has no pod range yet (spec.podCIDR)"
            text = f"container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:{why}"
            problems.append(text)
        if self.shutting_down():
            problems.append("node is shutting down")
        return problems

    async def _status(self, before: core_v1.NodeStatus) -> core_v1.NodeStatus:
        version, images = "", []
        try:
            version = (await self._docker.version()).version
            images = await self._docker.images()
        except DockerError as error:
            log.debug("docker did not answer: %s", error)
        health = Health(
            problems=self._problems(),
            pressures=self.pressures(),
            docker_version=version,
            images=images,
        )
        return node_status(
            self._machine,
            node_name=self._settings.name,
            node_ip=self._settings.ip,
            port=self._settings.port,
            max_pods=self._settings.max_pods,
            reserved=self._settings.reserved,
            version=self._settings.version,
            health=health,
            before=before,
            now=rfc3339(self._clock.now()),
        )

    async def _write(self) -> None:
        if self._node is None:
            await self.register()
        node = self._node
        if node is None:
            return
        status = await self._status(node.status)
        plain: dict[str, Any] = msgspec.to_builtins(status)
        comparable = _without_heartbeats(plain)
        now = self._clock.monotonic()
        stale = set(node.status.allocatable or ()) != set(status.allocatable or ())
        if comparable == self._written and not stale and now - self._written_at < REPORT_S:
            return
        gone: dict[str, Any] = dict.fromkeys(set(node.status.allocatable or ()) - set(status.allocatable or ()))
        body = {"status": {**plain, "allocatable": {**plain["allocatable"], **gone}}}
        self._node = await self._client.patch(core_v1.Node, self._settings.name, body=body, patch_type="strategic", subresource="status")
        self._note_changes(node, status)
        self._written, self._written_at = comparable, now

    def _note_changes(self, before: core_v1.Node, status: core_v1.NodeStatus) -> None:
        was = {c.type: c.status for c in before.status.conditions or ()}
        if not self._began:
            self._began = True
            self._recorder.event(self.reference(), "Normal", "Starting", "Starting kubelet.")
            # As upstream's: each start tells of the pressures anew, and of readiness where it changes.
            was = {type_: value for type_, value in was.items() if type_ == "Ready"}
        for condition in status.conditions or ():
            if was.get(condition.type) == condition.status:
                continue
            if condition.type == "Ready":
                reason = "NodeReady" if condition.status == "True" else "NodeNotReady"
            else:
                # KubeletHasDiskPressure is NodeHasDiskPressure as an event.
                reason = (condition.reason or "").replace("Kubelet", "Node", 1)
            self._note(reason)

    def _note(self, reason: str) -> None:
        self._recorder.event(self.reference(), "Normal", reason, f"Node {self._settings.name} status is now: {reason}")


def _without_heartbeats(status: dict[str, Any]) -> dict[str, Any]:
    kept = [{k: v for k, v in c.items() if k != "lastHeartbeatTime"} for c in status.get("conditions", ())]
    return {**status, "conditions": kept}

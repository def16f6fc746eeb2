"""Node lifecycle: nodes whose kubelet is silent become Unknown, get taints, and their pods are evicted when their toleration is over.

A node lives while its lease or its status is renewed: what counts is when *we* last saw one change, by our own monotonic clock.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import msgspec

from provisioner.kube.api._generated import coordination_v1, core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import condition, parse_time
from provisioner.kube.api.tolerations import tolerates
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.pod_control import mark_disrupted

log = logging.getLogger(__name__)

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
LEASES = "kube-node-lease"


def wanted_taints(node: core_v1.Node) -> list[tuple[str, str]]:
    """(key, effect) of the taints that a node's conditions and its spec call for."""
    found = []
    ready = condition(node.status.conditions, "Ready")
    if ready is None or ready.status == "False":
        found += [(NOT_READY, "NoSchedule")]
        if ready is not None:
            found += [(NOT_READY, "NoExecute")]
    elif ready.status == "Unknown":
        found += [(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")]
    for type_, key in PRESSURES.items():
        pressure = condition(node.status.conditions, type_)
        if pressure is not None and pressure.status == "True":
            found.append((key, "NoSchedule"))
    if node.spec.unschedulable:
        found.append((UNSCHEDULABLE, "NoSchedule"))
    return found


def with_taints(node: core_v1.Node, now: str) -> list[core_v1.Taint]:
    """The node's taints with ours put right and everybody else's left alone."""
    ours = {NOT_READY, UNREACHABLE, UNSCHEDULABLE, *PRESSURES.values()}
    wanted = wanted_taints(node)
    kept = [t for t in node.spec.taints or () if t.key not in ours or (t.key, t.effect) in wanted]
    present = {(t.key, t.effect) for t in kept}
    added = [core_v1.Taint(key=k, effect=e, time_added=now if e == "NoExecute" else None) for k, e in wanted if (k, e) not in present]
    return [*kept, *added]


def eviction_time(pod: core_v1.Pod, node: core_v1.Node, seen_s: float) -> float | None:
    """Seconds after 1970 when the pod must go because of the node's NoExecute taints; None while it may stay.

    A taint that doesn't say since when it is there counts from `seen_s`, when the pod was first seen under it.
    """
    earliest: float | None = None
    for taint in node.spec.taints or ():
        if taint.effect != "NoExecute":
            continue
        since = parse_time(taint.time_added)
        base = since.timestamp() if since is not None else seen_s
        tolerating = [t for t in pod.spec.tolerations or () if tolerates(t, taint)]
        if not tolerating:
            due = base
        else:
            limits = [t.toleration_seconds for t in tolerating if t.toleration_seconds is not None]
            if not limits:
                continue
            due = base + max(0, min(limits))
        earliest = due if earliest is None else min(earliest, due)
    return earliest


def silenced(node: core_v1.Node, now: str) -> list[core_v1.NodeCondition]:
    """The conditions of a node that nobody speaks for any more."""
    made = list(node.status.conditions or ())
    for type_ in CONDITIONS:
        old = condition(made, type_)
        if old is not None and old.status == "Unknown":
            continue
        reason = "NodeStatusUnknown" if old is not None else "NodeStatusNeverUpdated"
        message = "Kubelet stopped posting node status." if old is not None else "Kubelet never posted node status."
        fresh = core_v1.NodeCondition(
            type=type_,
            status="Unknown",
            reason=reason,
            message=message,
            last_heartbeat_time=old.last_heartbeat_time if old is not None else node.metadata.creation_timestamp,
            last_transition_time=now,
        )
        made = [c for c in made if c.type != type_] + [fresh]
    return made


@dataclass
class Health:
    """When a node's lease or status last changed, by our monotonic clock."""

    lease: str | None
    heartbeat: str | None
    seen_s: float


class NodeLifecycle(Controller):
    """Keys are nodes (taints) and `pod/<namespace>/<name>` (evictions)."""

    name = "node-lifecycle"
    workers = 4

    def __init__(self, parts: Parts, *, period_s: float = 5.0, grace_s: float = 50.0, startup_grace_s: float = 60.0) -> None:
        super().__init__(parts)
        self._period_s, self._grace_s, self._startup_grace_s = period_s, grace_s, startup_grace_s
        self._nodes = self.watch(core_v1.Node)
        self._pods = self.informers.get(core_v1.Pod)
        self._leases = self.informers.get(coordination_v1.Lease)
        self._pods.store.add_indexer("node", lambda pod: [pod.spec.node_name] if pod.spec.node_name else [])
        self._pods.add_handler(self._pod_changed, lambda _, pod: self._pod_changed(pod), self._pod_gone)
        self._evictions = parts.recorder.named("taint-eviction-controller")
        self._health: dict[str, Health] = {}
        # pod's uid -> when it was first seen under a taint that will end it, seconds after 1970
        self._under_taint: dict[str, float] = {}

    def _pod_changed(self, pod: core_v1.Pod) -> None:
        node = self._nodes.store.get(pod.spec.node_name or "")
        if node is not None and any(t.effect == "NoExecute" for t in node.spec.taints or ()):
            self.queue.add(f"pod/{pod.metadata.namespace}/{pod.metadata.name}")

    def _pod_gone(self, pod: core_v1.Pod) -> None:
        self._under_taint.pop(pod.metadata.uid or "", None)

    async def run(self) -> None:
        monitor = spawn(f"{self.name} monitor", self._monitor())
        try:
            await super().run()
        finally:
            await stop(monitor)

    async def _monitor(self) -> None:
        while True:
            await self.clock.sleep(self._period_s)
            for node in self._nodes.store.list():
                try:
                    await self._check(node)
                except (StatusError, ConnectionFailed) as error:
                    log.warning("node not checked node=%s: %s", node.metadata.name, error)

    async def _check(self, node: core_v1.Node) -> None:
        name = node.metadata.name or ""
        ready = condition(node.status.conditions, "Ready")
        lease = self._leases.store.get(f"{LEASES}/{name}")
        renewed = lease.spec.renew_time if lease is not None else None
        heartbeat = ready.last_heartbeat_time if ready is not None else None
        now_s = self.clock.monotonic()
        known = self._health.get(name)
        if known is None or (known.lease, known.heartbeat) != (renewed, heartbeat):
            self._health[name] = Health(renewed, heartbeat, now_s)
            if known is None:
                self.recorder.event(node, "Normal", "RegisteredNode", f"Node {name} event: Registered Node {name} in Controller")
            return
        grace_s = self._grace_s if ready is not None else self._startup_grace_s
        if now_s - known.seen_s <= grace_s or (ready is not None and ready.status == "Unknown"):
            return
        log.warning("node is silent node=%s seconds=%d", name, now_s - known.seen_s)
        conditions = silenced(node, self.now())
        status = msgspec.structs.replace(node.status, conditions=conditions)
        await self.client.update_status(msgspec.structs.replace(node, status=status))
        self.recorder.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        await self._mark_pods(name)

    async def _mark_pods(self, node: str) -> None:
        """Pods of a silent node are not ready, so that services leave them out at once."""
        now = self.now()
        bodies = []
        for pod in self._pods.store.by_index("node", node):
            ready = condition(pod.status.conditions, "Ready")
            if ready is not None and ready.status == "True":
                fresh = {"type": "Ready", "status": "False", "reason": "NodeNotReady", "lastTransitionTime": now}
                bodies.append((pod, {"status": {"conditions": [fresh]}}))
                self.recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready")
        await asyncio.gather(*(self._patch_status(pod, body) for pod, body in bodies))

    async def _patch_status(self, pod: core_v1.Pod, body: object) -> None:
        try:
            await self.client.patch(
                core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, body=body, patch_type="strategic", subresource="status"
            )
        except StatusError as error:
            if error.code != 404:
                raise

    async def reconcile(self, key: str) -> float | None:
        if key.startswith("pod/"):
            return await self._evict(key.removeprefix("pod/"))
        node: core_v1.Node | None = self._nodes.store.get(key)
        if node is None:
            self._health.pop(key, None)
            return None
        taints = with_taints(node, self.now())
        if taints != list(node.spec.taints or ()):
            spec = msgspec.structs.replace(node.spec, taints=taints or None)
            node = await self.client.update(msgspec.structs.replace(node, spec=spec))
        tainted = any(t.effect == "NoExecute" for t in node.spec.taints or ())
        for pod in self._pods.store.by_index("node", key):
            if tainted or pod.metadata.uid in self._under_taint:
                self.queue.add(f"pod/{pod.metadata.namespace}/{pod.metadata.name}")
        return None

    async def _evict(self, key: str) -> float | None:
        pod: core_v1.Pod | None = self._pods.store.get(key)
        node = self._nodes.store.get((pod.spec.node_name if pod is not None else None) or "")
        if pod is None or node is None or pod.metadata.deletion_timestamp is not None:
            return None
        now, uid = self.clock.now(), pod.metadata.uid or ""
        due = eviction_time(pod, node, self._under_taint.get(uid, now.timestamp()))
        if due is None:
            if self._under_taint.pop(uid, None) is not None:
                self._evictions.event(pod, "Normal", "TaintManagerEviction", f"Cancelling deletion of Pod {key}")
            return None
        self._under_taint.setdefault(uid, now.timestamp())
        left = due - now.timestamp()
        if left > 0:
            return left
        self._evictions.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {key}")
        try:
            await mark_disrupted(self, pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")
            await self.client.delete(core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, uid=pod.metadata.uid)
        except StatusError as error:
            if error.code not in (404, 409):
                raise
        return None

"""The scheduling loop: keeps columns and queue in step with the informers, decides, and binds without waiting for the answer.

A pod that was given a node is assumed to be there at once, so the next decision counts it; if the binding fails it is taken away again.
"""

from __future__ import annotations

import asyncio
import logging

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.clock import Clock, SystemClock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.client.informer import InformerSet
from provisioner.kube.client.tasks import spawn
from provisioner.kube.scheduler.decide import Decision, decide, preempt
from provisioner.kube.scheduler.facts import PodFacts, facts_of
from provisioner.kube.scheduler.nodes import Nodes
from provisioner.kube.scheduler.queue import SchedulingQueue

log = logging.getLogger(__name__)

# Bindings in flight. More only makes the API server's queue longer.
BINDINGS = 64
# Decisions in a row before other tasks get the loop.
BATCH = 32


def _ended(pod: core_v1.Pod) -> bool:
    return pod.status.phase in ("Succeeded", "Failed")


class Scheduler:
    """One profile. `names` are the schedulerName values that it answers to."""

    def __init__(
        self, client: Client, informers: InformerSet, recorder: EventRecorder, *, names: frozenset[str], clock: Clock | None = None
    ) -> None:
        self._client, self._recorder, self._names = client, recorder, names
        self._clock = clock or SystemClock()
        self._nodes = Nodes()
        self._queue = SchedulingQueue()
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(BINDINGS)
        # uid -> (facts, node): bound by us, not yet seen as bound
        self._assumed: dict[str, tuple[PodFacts, str]] = {}
        # uid -> (facts, node), as the informer last told
        self._placed: dict[str, tuple[PodFacts, str]] = {}
        self._turn = 0
        self.bound = 0
        informers.get(core_v1.Node).add_handler(self._node_put, lambda old, new: self._node_changed(old, new), self._node_gone)
        informers.get(core_v1.Pod).add_handler(self._pod_put, lambda _, new: self._pod_put(new), self._pod_gone)

    # -- informers -------------------------------------------------------------------------------------------------

    def _node_put(self, node: core_v1.Node) -> None:
        self._nodes.put(node)
        self._move()

    def _node_changed(self, old: core_v1.Node, new: core_v1.Node) -> None:
        """Heartbeats change nodes all the time; only what decides wakes waiting pods."""
        self._nodes.put(new)
        if (
            old.spec != new.spec
            or old.metadata.labels != new.metadata.labels
            or old.status.allocatable != new.status.allocatable
            or old.status.capacity != new.status.capacity
        ):
            self._move()

    def _node_gone(self, node: core_v1.Node) -> None:
        self._nodes.remove(node.metadata.name or "")

    def _pod_put(self, pod: core_v1.Pod) -> None:
        uid = pod.metadata.uid or ""
        if _ended(pod):
            self._pod_gone(pod)
        elif pod.spec.node_name:
            facts = facts_of(pod)
            self._forget(uid)
            self._nodes.place(facts, pod.spec.node_name)
            self._placed[uid] = (facts, pod.spec.node_name)
            self._queue.remove(uid)
        elif uid in self._assumed:
            return
        elif pod.metadata.deletion_timestamp is None and (pod.spec.scheduler_name or "default-scheduler") in self._names:
            if pod.spec.scheduling_gates:
                self._queue.remove(uid)
            else:
                self._queue.add(facts_of(pod), self._clock.monotonic())
                self._wake.set()
        else:
            self._queue.remove(uid)

    def _pod_gone(self, pod: core_v1.Pod) -> None:
        uid = pod.metadata.uid or ""
        self._queue.remove(uid)
        self._forget(uid)
        if uid in self._placed:
            facts, node = self._placed.pop(uid)
            self._nodes.take_away(facts, node)
            self._move()

    def _forget(self, uid: str) -> None:
        """Drop what was assumed, or told before, about where a pod is."""
        for known in (self._assumed.pop(uid, None), self._placed.pop(uid, None)):
            if known is not None:
                self._nodes.take_away(*known)

    def _move(self) -> None:
        self._queue.move(self._clock.monotonic())
        self._wake.set()

    # -- deciding --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Schedule for ever."""
        while True:
            worked = 0
            while worked < BATCH and (waiting := self._queue.pop(self._clock.monotonic())) is not None:
                await self._schedule(waiting.facts)
                worked += 1
            if worked == BATCH:
                await asyncio.sleep(0)
                continue
            self._wake.clear()
            now_s = self._clock.monotonic()
            due_s = self._queue.next_due_s()
            try:
                async with asyncio.timeout(min(30.0, max(0.001, due_s - now_s)) if due_s is not None else 30.0):
                    await self._wake.wait()
            except TimeoutError:
                self._queue.move_old(self._clock.monotonic())

    async def _schedule(self, facts: PodFacts) -> None:
        self._turn += 1
        decision = decide(facts, self._nodes, self._turn)
        if decision.node is None:
            self._queue.failed(facts.uid)
            spawn(f"report {facts.key}", self._unschedulable(facts, decision))
            return
        await self._slots.acquire()
        self._assumed[facts.uid] = (facts, decision.node)
        self._nodes.place(facts, decision.node)
        spawn(f"bind {facts.key}", self._bind(facts, decision.node))

    async def _bind(self, facts: PodFacts, node: str) -> None:
        metadata = facts.pod.metadata
        binding = core_v1.Binding(
            metadata=meta_v1.ObjectMeta(name=metadata.name, namespace=metadata.namespace, uid=metadata.uid),
            target=core_v1.ObjectReference(api_version="v1", kind="Node", name=node),
        )
        try:
            await self._client.create_subresource(core_v1.Pod, metadata.name or "", metadata.namespace, "binding", binding)
        except (StatusError, ConnectionFailed) as error:
            if facts.uid in self._assumed:
                self._forget(facts.uid)
            log.warning("binding failed pod=%s node=%s: %s", facts.key, node, error)
            if isinstance(error, StatusError) and error.code == 404:
                self._queue.remove(facts.uid)
            else:
                self._queue.retry(facts.uid, self._clock.monotonic())
                self._wake.set()
        else:
            self.bound += 1
            self._recorder.event(facts.pod, "Normal", "Scheduled", f"Successfully assigned {facts.key} to {node}")
        finally:
            self._slots.release()

    async def _unschedulable(self, facts: PodFacts, decision: Decision) -> None:
        """Say why on the pod and in an event, after trying to make room."""
        message, nominated = decision.message, None
        if (decision.resolvable and facts.priority > 0) or any(
            p.priority < facts.priority for row in decision.resolvable for p in self._nodes.pods[row].values()
        ):
            nominated = await self._make_room(facts, decision)
        self._recorder.event(facts.pod, "Warning", "FailedScheduling", message)
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        known = [c for c in facts.pod.status.conditions or () if c.type == "PodScheduled"]
        if known and known[0].status == "False" and known[0].message == message and nominated is None:
            return
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        condition["lastTransitionTime"] = (known[0].last_transition_time if known and known[0].status == "False" else None) or now
        status: dict[str, object] = {"conditions": [condition]}
        if nominated is not None:
            status["nominatedNodeName"] = nominated
        metadata = facts.pod.metadata
        try:
            await self._client.patch(
                core_v1.Pod, metadata.name or "", metadata.namespace, body={"status": status}, patch_type="strategic", subresource="status"
            )
        except (StatusError, ConnectionFailed) as error:
            log.info("condition not written pod=%s: %s", facts.key, error)

    async def _make_room(self, facts: PodFacts, decision: Decision) -> str | None:
        """Preempt where that helps; the node that will have room, or None."""
        chosen = preempt(facts, self._nodes, decision.resolvable)
        if chosen is None:
            return None
        for victim in chosen.victims:
            metadata = victim.pod.metadata
            self._recorder.event(victim.pod, "Normal", "Preempted", f"Preempted by pod {facts.uid} on node {chosen.node}")
            try:
                await self._client.delete(core_v1.Pod, metadata.name or "", metadata.namespace, uid=metadata.uid)
            except (StatusError, ConnectionFailed) as error:
                log.warning("preemption failed victim=%s: %s", victim.key, error)
        return chosen.node

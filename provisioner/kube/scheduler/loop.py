"""The scheduling loop: keeps columns and queue in step with the informers, decides, and binds without waiting for the answer.

A pod that was given a node is assumed to be there at once, so the next decision counts it; if the binding fails it is taken away again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Sequence

from provisioner.kube.api._generated import core_v1, meta_v1, policy_v1, storage_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client import series
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.clock import Clock, SystemClock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.client.informer import InformerSet
from provisioner.kube.client.series import Sample
from provisioner.kube.client.tasks import spawn
from provisioner.kube.scheduler.binding import Binder
from provisioner.kube.scheduler.decide import Decision, decide, expected, make_room
from provisioner.kube.scheduler.facts import PodFacts, facts_of
from provisioner.kube.scheduler.nodes import Nodes
from provisioner.kube.scheduler.preemption import Preemption, budgets_of
from provisioner.kube.scheduler.profiles import DEFAULT, DEFAULT_NAME, Profile
from provisioner.kube.scheduler.queue import SchedulingQueue, Waiting
from provisioner.kube.scheduler.times import Times
from provisioner.kube.scheduler.volumes import Choice, Storage, choose

log = logging.getLogger(__name__)

# Bindings in flight. More only makes the API server's queue longer.
BINDINGS = 64
# Decisions in a row before other tasks get the loop.
BATCH = 32


def _ended(pod: core_v1.Pod) -> bool:
    return pod.status.phase in ("Succeeded", "Failed")


class Scheduler:
    """Answers to the pods that name one of its `profiles`."""

    def __init__(
        self,
        client: Client,
        informers: InformerSet,
        recorder: EventRecorder,
        *,
        profiles: Sequence[Profile] = (DEFAULT,),
        queue: SchedulingQueue | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client, self._recorder = client, recorder
        self._profiles = {profile.name: profile for profile in profiles}
        self._clock = clock or SystemClock()
        self._nodes = Nodes()
        self._queue = queue or SchedulingQueue()
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(BINDINGS)
        # uid -> (facts, node): bound by us, not yet seen as bound
        self._assumed: dict[str, tuple[PodFacts, str]] = {}
        # uid -> (facts, node), as the informer last told
        self._placed: dict[str, tuple[PodFacts, str]] = {}
        # uid -> (facts, node): promised a node on which others have to end first
        self._nominated: dict[str, tuple[PodFacts, str]] = {}
        self._turn = 0
        self.bound = 0
        # (result, profile) -> attempts, by upstream's names of results
        self._attempts: Counter[tuple[str, str]] = Counter()
        self._preemptions = 0
        self._gated: set[str] = set()
        self._times = Times()
        series.tell(self)
        claims, volumes = informers.get(core_v1.PersistentVolumeClaim), informers.get(core_v1.PersistentVolume)
        classes = informers.get(storage_v1.StorageClass)
        self._budgets = informers.get(policy_v1.PodDisruptionBudget).store
        self._storage = Storage(claims.store.get, volumes.store.get, classes.store.get, self._free_volumes)
        self._volumes = volumes.store
        self._binder = Binder(client, claims.store, self._clock)
        informers.get(core_v1.Namespace).add_handler(self._namespace_put, lambda _, new: self._namespace_put(new), self._namespace_gone)
        informers.get(core_v1.Node).add_handler(self._node_put, lambda old, new: self._node_changed(old, new), self._node_gone)
        informers.get(core_v1.Pod).add_handler(self._pod_put, self._pod_changed, self._pod_gone)
        for kind in (claims, volumes, classes):
            kind.on_change(lambda _: self._move())

    def samples(self) -> Iterable[Sample]:
        for queue, count in self._queue.waiting().items():
            yield Sample("gauge", "scheduler_pending_pods", {"queue": queue}, count)
        yield Sample("gauge", "scheduler_pending_pods", {"queue": "gated"}, len(self._gated))
        for (result, profile), count in self._attempts.items():
            yield Sample("counter", "scheduler_schedule_attempts_total", {"profile": profile, "result": result}, count)
        yield Sample("counter", "scheduler_preemption_attempts_total", {}, self._preemptions)
        yield from self._times.samples()

    def _free_volumes(self) -> list[core_v1.PersistentVolume]:
        """Those that no decision of ours speaks for yet."""
        return [v for v in self._volumes.list() if v.metadata.name not in self._binder.taken]

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

    def _namespace_put(self, namespace: core_v1.Namespace) -> None:
        name, labels = namespace.metadata.name or "", namespace.metadata.labels or {}
        if self._nodes.namespaces.get(name) != labels:
            self._nodes.namespaces[name] = labels
            self._move_related()

    def _namespace_gone(self, namespace: core_v1.Namespace) -> None:
        self._nodes.namespaces.pop(namespace.metadata.name or "", None)

    def _pod_changed(self, old: core_v1.Pod, new: core_v1.Pod) -> None:
        """What only its status tells is no reason to try a waiting pod again."""
        if not new.spec.node_name and new.metadata.uid in self._queue and old.spec == new.spec and _same_metadata(old, new):
            self._queue.refresh(facts_of(new))
            return
        self._pod_put(new)

    def _pod_put(self, pod: core_v1.Pod) -> None:
        uid = pod.metadata.uid or ""
        self._gated.discard(uid)
        if _ended(pod):
            self._pod_gone(pod)
        elif pod.spec.node_name:
            facts = facts_of(pod)
            before = self._placed.get(uid)
            self._forget(uid)
            self._nodes.place(facts, pod.spec.node_name)
            self._placed[uid] = (facts, pod.spec.node_name)
            self._queue.remove(uid)
            self._nominated.pop(uid, None)
            if before is None or before[0].labels != facts.labels:
                self._move_related()
            elif before[0].requests != facts.requests:
                self._move()
        elif uid in self._assumed:
            return
        elif pod.metadata.deletion_timestamp is None and (pod.spec.scheduler_name or DEFAULT_NAME) in self._profiles:
            if pod.spec.scheduling_gates:
                self._queue.remove(uid)
                self._gated.add(uid)
            else:
                facts = facts_of(pod)
                if pod.status.nominated_node_name:
                    self._nominated[uid] = (facts, pod.status.nominated_node_name)
                self._queue.add(facts, self._clock.monotonic())
                self._wake.set()
        else:
            self._queue.remove(uid)

    def _pod_gone(self, pod: core_v1.Pod) -> None:
        uid = pod.metadata.uid or ""
        self._gated.discard(uid)
        self._queue.remove(uid)
        promised = self._nominated.pop(uid, None)
        if self._forget(uid) or promised is not None:
            self._move()

    def _forget(self, uid: str) -> bool:
        """Drop what was assumed, or told before, about where a pod is; whether there was anything."""
        known = [one for one in (self._assumed.pop(uid, None), self._placed.pop(uid, None)) if one is not None]
        for facts, node in known:
            self._nodes.take_away(facts, node)
        return bool(known)

    def _move_related(self) -> None:
        """Pods came or changed their labels: that helps only those that look at others."""
        if self._queue.move(self._clock.monotonic(), lambda facts: facts.looks_at_others):
            self._wake.set()

    def _move(self) -> None:
        self._queue.move(self._clock.monotonic())
        self._wake.set()

    # -- deciding --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Schedule for ever."""
        while True:
            worked = 0
            while worked < BATCH and (waiting := self._queue.pop(self._clock.monotonic())) is not None:
                await self._schedule(waiting)
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

    async def _schedule(self, waiting: Waiting) -> None:
        self._turn += 1
        facts, began_s = waiting.facts, self._clock.monotonic()
        profile = self._profiles[facts.pod.spec.scheduler_name or DEFAULT_NAME]
        with expected(facts, self._nodes, self._nominated.values() if self._nominated else ()):
            decision = decide(facts, self._nodes, self._turn, storage=self._storage, profile=profile)
            if decision.node is None:
                chosen, more = make_room(facts, self._nodes, decision, budgets_of(self._budgets.list()) if decision.resolvable else ())
        decided_s = self._clock.monotonic()
        self._times.decided(decided_s - began_s)
        if decision.node is None:
            self._queue.failed(facts.uid)
            self._attempts["unschedulable", profile.name] += 1
            self._times.attempted("unschedulable", profile.name, decided_s - began_s)
            if chosen is not None:
                self._preemptions += 1
                self._times.made_room(len(chosen.victims))
                self._nominated[facts.uid] = (facts, chosen.node)
            spawn(f"report {facts.key}", self._unschedulable(facts, decision.message + more, chosen))
            return
        choices = self._choose_volumes(decision)
        await self._slots.acquire()
        self._assumed[facts.uid] = (facts, decision.node)
        self._nodes.place(facts, decision.node)
        spawn(f"bind {facts.key}", self._bind(waiting, decision.node, choices, began_s))

    def _choose_volumes(self, decision: Decision) -> list[Choice]:
        """What the pod's waiting claims get; those volumes are nobody else's from now on."""
        node = self._nodes.nodes[self._nodes.rows[decision.node or ""]]
        choices = choose(decision.needs, node, self._storage) if decision.needs.waiting and node is not None else None
        self._binder.take(choices or [])
        return choices or []

    async def _bind(self, waiting: Waiting, node: str, choices: list[Choice], began_s: float) -> None:
        facts, metadata = waiting.facts, waiting.facts.pod.metadata
        profile, attempts = facts.pod.spec.scheduler_name or DEFAULT_NAME, waiting.attempts
        binding = core_v1.Binding(
            metadata=meta_v1.ObjectMeta(name=metadata.name, namespace=metadata.namespace, uid=metadata.uid),
            target=core_v1.ObjectReference(api_version="v1", kind="Node", name=node),
        )
        try:
            await self._binder.bind(choices, node)
            await self._client.create_subresource(core_v1.Pod, metadata.name or "", metadata.namespace, "binding", binding)
        except (StatusError, ConnectionFailed, TimeoutError) as error:
            if facts.uid in self._assumed:
                self._forget(facts.uid)
            self._attempts["error", profile] += 1
            self._times.attempted("error", profile, self._clock.monotonic() - began_s)
            log.warning("binding failed pod=%s node=%s: %s", facts.key, node, error)
            if isinstance(error, StatusError) and error.code == 404:
                self._queue.remove(facts.uid)
            else:
                self._queue.retry(facts.uid, self._clock.monotonic())
                self._wake.set()
        else:
            self.bound += 1
            self._attempts["scheduled", profile] += 1
            now_s = self._clock.monotonic()
            self._times.attempted("scheduled", profile, now_s - began_s)
            self._times.scheduled(attempts, now_s - waiting.added_s)
            self._recorder.event(facts.pod, "Normal", "Scheduled", f"Successfully assigned {facts.key} to {node}")
        finally:
            self._slots.release()
            self._binder.release(choices)

    async def _unschedulable(self, facts: PodFacts, message: str, chosen: Preemption | None) -> None:
        """Say why on the pod and in an event, and make room where that was found to help."""
        self._recorder.event(facts.pod, "Warning", "FailedScheduling", message)
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        known = [c for c in facts.pod.status.conditions or () if c.type == "PodScheduled"]
        if known and known[0].status == "False" and known[0].message == message and chosen is None:
            return
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        condition["lastTransitionTime"] = (known[0].last_transition_time if known and known[0].status == "False" else None) or now
        status: dict[str, object] = {"conditions": [{**condition, "observedGeneration": facts.pod.metadata.generation}]}
        if chosen is not None:
            status["nominatedNodeName"] = chosen.node
        await self._patch_status(facts, status)
        if chosen is not None:
            await self._preempt(facts, chosen)

    async def _patch_status(self, facts: PodFacts, status: dict[str, object]) -> None:
        metadata = facts.pod.metadata
        body = {"metadata": {"uid": metadata.uid}, "status": status}
        try:
            await self._client.patch(
                core_v1.Pod, metadata.name or "", metadata.namespace, body=body, patch_type="strategic", subresource="status"
            )
        except (StatusError, ConnectionFailed) as error:
            log.info("status not written pod=%s: %s", facts.key, error)

    async def _preempt(self, facts: PodFacts, chosen: Preemption) -> None:
        """End the victims, and take back what was promised to lesser pods on that node."""
        text = f"{facts.pod.spec.scheduler_name or DEFAULT_NAME}: preempting to accommodate a higher priority pod"
        condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": text}
        for victim in chosen.victims:
            metadata = victim.pod.metadata
            if metadata.deletion_timestamp is not None:
                continue
            now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            generation = {"observedGeneration": metadata.generation} if metadata.generation else {}
            await self._patch_status(victim, {"conditions": [{**condition, "lastTransitionTime": now, **generation}]})
            try:
                await self._client.delete(core_v1.Pod, metadata.name or "", metadata.namespace, uid=metadata.uid)
            except (StatusError, ConnectionFailed) as error:
                log.warning("preemption failed victim=%s: %s", victim.key, error)
            else:
                self._recorder.event(victim.pod, "Normal", "Preempted", f"Preempted by pod {facts.uid} on node {chosen.node}")
        for uid, (other, node) in list(self._nominated.items()):
            if node == chosen.node and other.priority < facts.priority:
                del self._nominated[uid]
                await self._patch_status(other, {"nominatedNodeName": None})
                self._queue.move(self._clock.monotonic(), lambda waiting, uid=uid: waiting.uid == uid)  # type: ignore[misc]  # bound now
                self._wake.set()


def _same_metadata(old: core_v1.Pod, new: core_v1.Pod) -> bool:
    return old.metadata.labels == new.metadata.labels and old.metadata.deletion_timestamp == new.metadata.deletion_timestamp

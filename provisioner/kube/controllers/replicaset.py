"""ReplicaSet: as many pods as wanted, adopted, made or taken away."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api._generated.scalars import Object
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import controller_of, owner_reference
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.client.informer import key_of
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.expectations import Expectations
from provisioner.kube.controllers.pod_control import create_pod, delete_pod, slow_start
from provisioner.kube.controllers.pods import controlled_by, deletion_rank, is_active, is_available, is_ready, pod_from_template

log = logging.getLogger(__name__)

# Upstream's BurstReplicas: pods made or removed in one go.
BURST = 500


@dataclass(frozen=True)
class Plan:
    """`create` pods are missing; `delete` are too many."""

    create: int = 0
    delete: tuple[core_v1.Pod, ...] = ()


def decide(wanted: int, pods: list[core_v1.Pod], now: datetime) -> Plan:
    """`pods` are the active ones that belong to the set."""
    missing = wanted - len(pods)
    if missing >= 0:
        return Plan(create=min(missing, BURST))
    on_node = Counter(pod.spec.node_name for pod in pods)
    ranked = sorted(pods, key=lambda pod: deletion_rank(pod, on_node[pod.spec.node_name], now))
    return Plan(delete=tuple(ranked[: min(-missing, BURST)]))


def status_of(
    rs: apps_v1.ReplicaSet, pods: list[core_v1.Pod], terminating: int, failure: tuple[str, str] | None, now: datetime
) -> apps_v1.ReplicaSetStatus:
    """The status that the pods give the set; transition times are kept where a condition stays."""
    template = (rs.spec.template.metadata.labels if rs.spec.template and rs.spec.template.metadata else None) or {}
    full = [p for p in pods if all((p.metadata.labels or {}).get(k) == v for k, v in template.items())]
    old = [c for c in rs.status.conditions or () if c.type == "ReplicaFailure"]
    conditions = [c for c in rs.status.conditions or () if c.type != "ReplicaFailure"]
    if failure is not None:
        # As upstream: the first failure stays told. Each names another pod, and telling the newest would be a change that asks for another try.
        new = apps_v1.ReplicaSetCondition(
            type="ReplicaFailure",
            status="True",
            reason=failure[0],
            message=failure[1],
            last_transition_time=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        conditions.append(old[0] if old else new)
    return apps_v1.ReplicaSetStatus(
        replicas=len(pods),
        fully_labeled_replicas=len(full) or None,
        ready_replicas=sum(map(is_ready, pods)) or None,
        available_replicas=sum(is_available(p, rs.spec.min_ready_seconds or 0, now) for p in pods) or None,
        terminating_replicas=terminating or None,
        observed_generation=rs.metadata.generation,
        conditions=conditions or None,
    )


class ReplicaSetController(Controller):
    """Works on views, so that a ReplicationController, which differs only in its form, can be worked on as well."""

    name = "replicaset"
    workers = 5
    kind: ClassVar[type[Object]] = apps_v1.ReplicaSet

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._sets = self.watch(self.kind)
        self._pods = self.informers.get(core_v1.Pod)
        self._expectations = Expectations(self.clock)
        self._pods.add_handler(self._pod_added, self._pod_updated, self._pod_deleted)

    def view(self, obj: Any) -> apps_v1.ReplicaSet:
        """The stored object as a ReplicaSet; its kind stays what it is."""
        rs: apps_v1.ReplicaSet = obj
        return rs

    def stored(self, obj: Any, status: apps_v1.ReplicaSetStatus) -> Object:
        """The stored object with a view's status."""
        return msgspec.structs.replace(self.view(obj), status=status)

    def _pod_added(self, pod: core_v1.Pod) -> None:
        if pod.metadata.deletion_timestamp is not None:
            self._pod_deleted(pod)
            return
        owner = controller_of(pod)
        if owner is not None and owner.kind == self.kind.KIND:
            self._expectations.created(f"{pod.metadata.namespace}/{owner.name}")
            self.enqueue_owner(self.kind.KIND, pod)
        elif owner is None:
            self._enqueue_matching(pod)

    def _pod_updated(self, old: core_v1.Pod, pod: core_v1.Pod) -> None:
        if pod.metadata.deletion_timestamp is not None:
            self._pod_deleted(pod)
            return
        self.enqueue_owner(self.kind.KIND, old)
        self.enqueue_owner(self.kind.KIND, pod)
        if controller_of(pod) is None and (old.metadata.labels != pod.metadata.labels or controller_of(old) is not None):
            self._enqueue_matching(pod)

    def _pod_deleted(self, pod: core_v1.Pod) -> None:
        owner = controller_of(pod)
        if owner is not None and owner.kind == self.kind.KIND:
            self._expectations.deleted(f"{pod.metadata.namespace}/{owner.name}", key_of(pod))
            self.enqueue_owner(self.kind.KIND, pod)

    def _enqueue_matching(self, pod: core_v1.Pod) -> None:
        for rs in self._sets.store.list(pod.metadata.namespace):
            if from_struct(self.view(rs).spec.selector).matches(pod.metadata.labels):
                self.enqueue(rs)

    async def reconcile(self, key: str) -> float | None:
        found = self._sets.store.get(key)
        if found is None:
            self._expectations.forget(key)
            return None
        rs = self.view(found)
        ready_to_act = self._expectations.fulfilled(key)
        owned = [p for p in self._pods.store.list(rs.metadata.namespace) if controlled_by(p, rs)]
        owned += await self._adopt(rs)
        pods = [p for p in owned if is_active(p)]
        terminating = sum(p.metadata.deletion_timestamp is not None and p.status.phase not in ("Succeeded", "Failed") for p in owned)
        error: StatusError | None = None
        failure: tuple[str, str] | None = None
        if ready_to_act and rs.metadata.deletion_timestamp is None:
            plan = decide(rs.spec.replicas or 0, pods, self.clock.now())
            error = await self._carry_out(rs, key, plan)
            failure = ("FailedCreate" if plan.create else "FailedDelete", error.message) if error is not None else None
        now = self.clock.now()
        status = status_of(rs, pods, terminating, failure, now)
        if status != rs.status:
            await self.client.update_status(self.stored(found, status))
        if error is not None:
            raise error
        waits = (rs.spec.min_ready_seconds or 0) and (status.ready_replicas or 0) > (status.available_replicas or 0)
        return float(rs.spec.min_ready_seconds or 0) if waits else None

    async def _adopt(self, rs: apps_v1.ReplicaSet) -> list[core_v1.Pod]:
        """Take over pods that match and have no controller; let go of ours that don't match any more."""
        selector = from_struct(rs.spec.selector)
        adopted = []
        for pod in self._pods.store.list(rs.metadata.namespace):
            owner = controller_of(pod)
            matches = selector.matches(pod.metadata.labels)
            if owner is None and matches and is_active(pod) and rs.metadata.deletion_timestamp is None:
                body: dict[str, Any] = {"metadata": {"uid": pod.metadata.uid, "ownerReferences": [owner_reference(rs)]}}
                adopted.append(await self._patch(pod, body))
            elif owner is not None and owner.uid == rs.metadata.uid and not matches and pod.metadata.deletion_timestamp is None:
                body = {"metadata": {"uid": pod.metadata.uid, "ownerReferences": [{"$patch": "delete", "uid": rs.metadata.uid}]}}
                await self._patch(pod, body)
        return adopted

    async def _patch(self, pod: core_v1.Pod, body: object) -> core_v1.Pod:
        return await self.client.patch(core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, body=body, patch_type="strategic")

    async def _carry_out(self, rs: apps_v1.ReplicaSet, key: str, plan: Plan) -> StatusError | None:
        """Make or remove pods; the first reason why one could not be."""
        template = rs.spec.template
        if plan.create and template is not None:
            self._expectations.expect_creations(key, plan.create)
            missed, error = await slow_start(plan.create, lambda _: create_pod(self, rs, pod_from_template(template, rs)))
            for _ in range(missed):
                self._expectations.created(key)
            return error
        if plan.delete:
            self._expectations.expect_deletions(key, {key_of(p) for p in plan.delete})
            results = await asyncio.gather(*(self._delete(rs, key, pod) for pod in plan.delete))
            return next((r for r in results if r is not None), None)
        return None

    async def _delete(self, rs: apps_v1.ReplicaSet, key: str, pod: core_v1.Pod) -> StatusError | None:
        try:
            taken = await delete_pod(self, rs, pod)
        except StatusError as error:
            self._expectations.deleted(key, key_of(pod))
            return error
        if not taken:
            self._expectations.deleted(key, key_of(pod))
        return None

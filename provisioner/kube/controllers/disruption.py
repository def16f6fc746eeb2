"""PodDisruptionBudget: how many of the pods it covers may be evicted now, which the API server's eviction reads and counts down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from provisioner.kube.api._generated import apps_v1, core_v1, meta_v1, policy_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.intstr import scaled
from provisioner.kube.api.meta import condition, controller_of, parse_time
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.client.informer import Informer
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.pods import is_ready

# Upstream's DeletionTimeout: an eviction whose pod is not seen going after this did not happen.
EVICTION_S = 120.0
CONDITION = "DisruptionAllowed"


class CountError(Exception):
    """The wanted number of pods can't be told: a controller of one of them is unknown or has no scale."""


@dataclass(frozen=True)
class Budget:
    allowed: int
    current: int
    desired: int
    expected: int


def budget(spec: policy_v1.PodDisruptionBudgetSpec, pods: list[core_v1.Pod], expected: int, disrupted: Iterable[str]) -> Budget:
    """`expected` is the number of pods that the pods' controllers want; `disrupted` are being evicted."""
    going = set(disrupted)
    if spec.max_unavailable is not None:
        desired = max(0, expected - scaled(spec.max_unavailable, expected, round_up=True))
    elif isinstance(spec.min_available, str):
        desired = scaled(spec.min_available, expected, round_up=True)
    else:
        desired, expected = spec.min_available or 0, len(pods)
    current = sum(p.metadata.deletion_timestamp is None and p.metadata.name not in going and is_ready(p) for p in pods)
    allowed = max(0, current - desired) if expected > 0 else 0
    return Budget(allowed, current, desired, expected)


def still_disrupted(noted: dict[str, str], pods: list[core_v1.Pod], now: datetime) -> tuple[dict[str, str], float | None]:
    """Evictions that are on their way, and in how many seconds the first one of them is given up."""
    names = {p.metadata.name: p for p in pods}
    kept, first = {}, None
    for name, since in noted.items():
        pod, moment = names.get(name), parse_time(since)
        if pod is None or pod.metadata.deletion_timestamp is not None or moment is None:
            continue
        left = EVICTION_S - (now - moment).total_seconds()
        if left > 0:
            kept[name] = since
            first = left if first is None else min(first, left)
    return kept, first


def with_condition(old: list[meta_v1.Condition] | None, found: Budget, generation: int | None, now: str) -> list[meta_v1.Condition]:
    status, reason = ("True", "SufficientPods") if found.allowed > 0 else ("False", "InsufficientPods")
    known = condition(old, CONDITION)
    since = known.last_transition_time if known is not None and known.status == status else now
    fresh = meta_v1.Condition(
        type=CONDITION, status=status, reason=reason, message="", last_transition_time=since, observed_generation=generation
    )
    return [*(c for c in old or () if c.type != CONDITION), fresh]


class Disruptions(Controller):
    name = "disruption"

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._budgets = self.watch(policy_v1.PodDisruptionBudget)
        self._pods = self.informers.get(core_v1.Pod)
        self._pods.add_handler(self._pod_changed, self._pod_updated, self._pod_changed)
        self._scales: dict[str, Informer[Any]] = {
            "ReplicaSet": self.informers.get(apps_v1.ReplicaSet),
            "StatefulSet": self.informers.get(apps_v1.StatefulSet),
            "Deployment": self.informers.get(apps_v1.Deployment),
            "ReplicationController": self.informers.get(core_v1.ReplicationController),
        }

    def _pod_changed(self, pod: core_v1.Pod) -> None:
        for found in self._budgets.store.list(pod.metadata.namespace):
            if found.spec.selector is not None and from_struct(found.spec.selector).matches(pod.metadata.labels):
                self.enqueue(found)

    def _pod_updated(self, old: core_v1.Pod, pod: core_v1.Pod) -> None:
        if old.metadata.labels != pod.metadata.labels:
            self._pod_changed(old)
        self._pod_changed(pod)

    async def reconcile(self, key: str) -> float | None:
        found: policy_v1.PodDisruptionBudget | None = self._budgets.store.get(key)
        if found is None:
            return None
        pods: list[core_v1.Pod] = []
        if found.spec.selector is not None:
            selector = from_struct(found.spec.selector)
            pods = [p for p in self._pods.store.list(found.metadata.namespace) if selector.matches(p.metadata.labels)]
            pods = [p for p in pods if p.status.phase not in ("Succeeded", "Failed")]
        if not pods:
            self.recorder.event(found, "Normal", "NoPods", "No matching pods found")
        try:
            expected = len(pods) if self._by_count(found) else await self._expected(pods)
        except CountError as error:
            self.recorder.event(
                found, "Warning", "CalculateExpectedPodCountFailed", f"Failed to calculate the number of expected pods: {error}"
            )
            await self._unsynced(found, str(error))
            return None
        if not self._by_count(found) and any(controller_of(pod) is None for pod in pods):
            text = "Pods without a controller are selected, which only an integer .spec.minAvailable counts"
            self.recorder.event(found, "Warning", "UnmanagedPods", text)
        disrupted, again_s = still_disrupted(found.status.disrupted_pods or {}, pods, self.clock.now())
        result = budget(found.spec, pods, expected, disrupted)
        status = policy_v1.PodDisruptionBudgetStatus(
            disruptions_allowed=result.allowed,
            current_healthy=result.current,
            desired_healthy=result.desired,
            expected_pods=result.expected,
            disrupted_pods=disrupted or None,
            observed_generation=found.metadata.generation,
            conditions=with_condition(found.status.conditions, result, found.metadata.generation, self.now()),
        )
        if status != found.status:
            await self.client.update_status(msgspec.structs.replace(found, status=status))
        return again_s

    def _by_count(self, found: policy_v1.PodDisruptionBudget) -> bool:
        return found.spec.max_unavailable is None and not isinstance(found.spec.min_available, str)

    async def _expected(self, pods: list[core_v1.Pod]) -> int:
        """The sum of what the pods' controllers want, each counted once; a pod without one is not expected. Raises CountError."""
        wanted: dict[str, int] = {}
        deciders: dict[str, str] = {}
        for pod in pods:
            owner = controller_of(pod)
            if owner is not None and owner.uid not in deciders:
                deciders[owner.uid or ""], count = await self._scale(pod.metadata.namespace or "", owner)
                wanted[deciders[owner.uid or ""]] = count
        return sum(wanted.values())

    async def _scale(self, namespace: str, owner: meta_v1.OwnerReference) -> tuple[str, int]:
        """(uid of what decides, its replicas); a ReplicaSet's deployment decides for it."""
        informer = self._scales.get(owner.kind or "")
        obj: Any = informer.store.get(f"{namespace}/{owner.name}") if informer is not None else None
        if obj is not None and obj.metadata.uid == owner.uid:
            above = controller_of(obj)
            if owner.kind == "ReplicaSet" and above is not None and above.kind == "Deployment":
                return await self._scale(namespace, above)
            return owner.uid or "", 1 if obj.spec.replicas is None else int(obj.spec.replicas)
        if informer is None:
            return owner.uid or "", await self._custom_scale(namespace, owner)
        raise CountError(f"{owner.kind} {owner.name} is not there")

    async def _custom_scale(self, namespace: str, owner: meta_v1.OwnerReference) -> int:
        """The scale subresource of a kind of somebody else's."""
        version = owner.api_version or ""
        try:
            listed: dict[str, Any] = msgspec.json.decode(
                await self.client.raw("GET", f"/apis/{version}" if "/" in version else f"/api/{version}")
            )
            plural = next(r["name"] for r in listed["resources"] if r["kind"] == owner.kind and "/" not in r["name"])
            path = f"/apis/{version}/namespaces/{namespace}/{plural}/{owner.name}/scale"
            scale: dict[str, Any] = msgspec.json.decode(await self.client.raw("GET", path))
        except (StatusError, StopIteration) as error:
            raise CountError(f"{owner.kind}.{version} does not implement the scale subresource") from error
        return int(scale["spec"].get("replicas", 0))

    async def _unsynced(self, found: policy_v1.PodDisruptionBudget, problem: str) -> None:
        """Upstream's failSafe: nothing may be evicted while the count isn't known."""
        known = condition(found.status.conditions, CONDITION)
        if known is not None and known.reason == "SyncFailed" and known.message == problem and not found.status.disruptions_allowed:
            return
        fresh = meta_v1.Condition(
            type=CONDITION,
            status="False",
            reason="SyncFailed",
            message=problem,
            last_transition_time=known.last_transition_time if known is not None and known.status == "False" else self.now(),
            observed_generation=found.metadata.generation,
        )
        conditions = [*(c for c in found.status.conditions or () if c.type != CONDITION), fresh]
        status = msgspec.structs.replace(found.status, disruptions_allowed=0, conditions=conditions)
        await self.client.update_status(msgspec.structs.replace(found, status=status))

"""HorizontalPodAutoscaler: every 15 seconds the scale of its target, by its metrics, within its limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from provisioner.kube.api._generated import autoscaling_v2, core_v1
from provisioner.kube.api._generated.resources import BY_KIND
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import condition
from provisioner.kube.api.selectors import parse_label_selector
from provisioner.kube.controllers.autoscaler_metrics import MetricError, Metrics, Proposal, Target
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.replica_count import Change, limit, tolerances_of

Autoscaler = autoscaling_v2.HorizontalPodAutoscaler
Condition = autoscaling_v2.HorizontalPodAutoscalerCondition
# How long recommendations and changes are remembered: the longest window that a spec may ask for.
REMEMBERED_S = 3600.0


class ComputeFailed(Exception):
    """No metric says how many replicas there should be."""


@dataclass
class Memory:
    recommendations: list[tuple[datetime, int]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def forget_old(self, now: datetime) -> None:
        self.recommendations = [r for r in self.recommendations if (now - r[0]).total_seconds() < REMEMBERED_S]
        self.changes = [c for c in self.changes if (now - c.moment).total_seconds() < REMEMBERED_S]


def with_condition(conditions: list[Condition], type_: str, status: str, reason: str, message: str, now: str) -> list[Condition]:
    old = condition(conditions, type_)
    since = old.last_transition_time if old is not None and old.status == status else now
    fresh = Condition(type=type_, status=status, reason=reason, message=message, last_transition_time=since)
    if old is None:
        return [*conditions, fresh]
    return [fresh if c.type == type_ else c for c in conditions]


class Autoscalers(Controller):
    name = "horizontalpodautoscaler"
    workers = 5

    def __init__(self, parts: Parts, period_s: float = 15.0) -> None:
        super().__init__(parts)
        self._period_s = period_s
        self._autoscalers = self.informers.get(Autoscaler)
        self._autoscalers.add_handler(self.enqueue, self._changed, self.enqueue)
        self._pods = self.informers.get(core_v1.Pod)
        self._metrics = Metrics(self.client)
        self._memory: dict[str, Memory] = {}

    def _changed(self, old: Autoscaler, hpa: Autoscaler) -> None:
        """Metrics are asked for once in a period, not each time that we write what they said."""
        if old.spec != hpa.spec:
            self.enqueue(hpa)

    async def reconcile(self, key: str) -> float | None:
        hpa: Autoscaler | None = self._autoscalers.store.get(key)
        if hpa is None:
            self._memory.pop(key, None)
            return None
        memory = self._memory.setdefault(key, Memory())
        memory.forget_old(self.clock.now())
        status = msgspec.structs.replace(hpa.status, conditions=list(hpa.status.conditions or ()))
        try:
            await self._scale(hpa, status, memory)
        finally:
            if status != hpa.status:
                await self.client.update_status(msgspec.structs.replace(hpa, status=status))
        return self._period_s

    def _note(self, status: autoscaling_v2.HorizontalPodAutoscalerStatus, type_: str, value: str, reason: str, message: str) -> None:
        status.conditions = with_condition(status.conditions or [], type_, value, reason, message, self.now())

    async def _scale(self, hpa: Autoscaler, status: autoscaling_v2.HorizontalPodAutoscalerStatus, memory: Memory) -> None:
        try:
            path, scale = await self._read_scale(hpa)
        except StatusError as error:
            self.recorder.event(hpa, "Warning", "FailedGetScale", error.message)
            text = f"the HPA controller was unable to get the target's current scale: {error.message}"
            self._note(status, "AbleToScale", "False", "FailedGetScale", text)
            return
        text = "the HPA controller was able to get the target's current scale"
        self._note(status, "AbleToScale", "True", "SucceededGetScale", text)
        current = int((scale.get("spec") or {}).get("replicas", 0))
        status.current_replicas = int((scale.get("status") or {}).get("replicas", 0)) or None
        try:
            wanted, reason = await self._wanted(hpa, status, memory, current, scale)
        except ComputeFailed as error:
            self.recorder.event(hpa, "Warning", "FailedComputeMetricsReplicas", str(error))
            return
        if wanted != current:
            await self._write_scale(hpa, status, path, scale, wanted, reason)
            memory.changes.append(Change(wanted - current, self.clock.now()))
            status.last_scale_time = self.now()
        status.desired_replicas = wanted

    async def _wanted(
        self,
        hpa: Autoscaler,
        status: autoscaling_v2.HorizontalPodAutoscalerStatus,
        memory: Memory,
        current: int,
        scale: dict[str, Any],
    ) -> tuple[int, str]:
        """(replicas, why). Raises ComputeFailed."""
        low = hpa.spec.min_replicas if hpa.spec.min_replicas is not None else 1
        high = hpa.spec.max_replicas or 1
        if current == 0 and low != 0:
            text = "scaling is disabled since the replica count of the target is zero"
            self._note(status, "ScalingActive", "False", "ScalingDisabled", text)
            return 0, ""
        if current > high:
            return high, "Current number of replicas above Spec.MaxReplicas"
        if current < low:
            return low, "Current number of replicas below Spec.MinReplicas"
        best = await self._best(hpa, status, current, scale)
        now = self.clock.now()
        if not memory.recommendations:
            memory.recommendations.append((now, current))
        memory.recommendations.append((now, best.replicas))
        found = limit(hpa.spec, current, best.replicas, memory.recommendations[:-1], memory.changes, now)
        if found.able is not None:
            self._note(status, "AbleToScale", *found.able)
        self._note(status, "ScalingLimited", *found.limited)
        return found.replicas, f"{best.name} above target" if best.replicas > current else "All metrics below target"

    async def _best(
        self, hpa: Autoscaler, status: autoscaling_v2.HorizontalPodAutoscalerStatus, current: int, scale: dict[str, Any]
    ) -> Proposal:
        """The highest proposal; one below the present number counts only where every metric was had. Raises ComputeFailed."""
        selector = (scale.get("status") or {}).get("selector") or ""
        namespace = hpa.metadata.namespace or ""
        if not selector:
            self._note(status, "ScalingActive", "False", "InvalidSelector", "the HPA target's scale is missing a selector")
            raise ComputeFailed("selector is required")
        matches = parse_label_selector(selector).matches
        pods = [p for p in self._pods.store.list(namespace) if matches(p.metadata.labels or {})]
        target = Target(namespace, current, selector, pods, tolerances_of(hpa.spec))
        specs = hpa.spec.metrics or []
        results = await asyncio.gather(*(self._metrics.propose(spec, target, self.clock.now()) for spec in specs), return_exceptions=True)
        proposals = [r for r in results if isinstance(r, Proposal)]
        errors = [r for r in results if isinstance(r, MetricError)]
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, MetricError):
                raise result
        status.current_metrics = [p.status for p in proposals] or None
        best = max(proposals, key=lambda p: p.replicas, default=None)
        for error in errors:
            self.recorder.event(hpa, "Warning", error.reason, error.told)
        if errors and (best is None or best.replicas < current):
            text = f"the HPA was unable to compute the replica count: {errors[0].told}"
            self._note(status, "ScalingActive", "False", errors[0].reason, text)
            raise ComputeFailed(f"invalid metrics ({len(errors)} invalid out of {len(specs)}), first error is: {errors[0]}")
        if best is None:
            raise ComputeFailed("no metrics are asked for")
        text = f"the HPA was able to successfully calculate a replica count from {best.name}"
        self._note(status, "ScalingActive", "True", "ValidMetricFound", text)
        return best

    # -- the target's scale ------------------------------------------------------------------------------------------

    async def _read_scale(self, hpa: Autoscaler) -> tuple[str, dict[str, Any]]:
        ref = hpa.spec.scale_target_ref or autoscaling_v2.CrossVersionObjectReference()
        path = f"{await self._collection(ref, hpa.metadata.namespace or '')}/{ref.name}/scale"
        scale: dict[str, Any] = msgspec.json.decode(await self.client.raw("GET", path))
        return path, scale

    async def _collection(self, ref: autoscaling_v2.CrossVersionObjectReference, namespace: str) -> str:
        """Where the target's kind is: a built-in one, or one that discovery tells of. Raises StatusError."""
        group, _, version = (ref.api_version or "v1").rpartition("/")
        known = BY_KIND.get((group, version, ref.kind or ""))
        if known is not None:
            return str(known.path(namespace))
        prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
        listed: dict[str, Any] = msgspec.json.decode(await self.client.raw("GET", prefix))
        for resource in listed["resources"]:
            if resource["kind"] == ref.kind and "/" not in resource["name"]:
                return f"{prefix}/namespaces/{namespace}/{resource['name']}"
        raise StatusError(404, "NotFound", f'no matches for kind "{ref.kind}" in group "{group}"')

    async def _write_scale(
        self,
        hpa: Autoscaler,
        status: autoscaling_v2.HorizontalPodAutoscalerStatus,
        path: str,
        scale: dict[str, Any],
        wanted: int,
        reason: str,
    ) -> None:
        scale = {**scale, "spec": {**(scale.get("spec") or {}), "replicas": wanted}}
        try:
            await self.client.raw("PUT", path, body=msgspec.json.encode(scale))
        except StatusError as error:
            text = f"New size: {wanted}; reason: {reason}; error: {error.message}"
            self.recorder.event(hpa, "Warning", "FailedRescale", text)
            text = f"the HPA controller was unable to update the target scale: {error.message}"
            self._note(status, "AbleToScale", "False", "FailedUpdateScale", text)
            raise
        text = f"the HPA controller was able to update the target scale to {wanted}"
        self._note(status, "AbleToScale", "True", "SucceededRescale", text)
        self.recorder.event(hpa, "Normal", "SuccessfulRescale", f"New size: {wanted}; reason: {reason}")

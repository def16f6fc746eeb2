"""DaemonSet: one pod on each node that should have it, replaced as the template changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.intstr import scaled
from provisioner.kube.api.meta import controller_of
from provisioner.kube.client.informer import key_of
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.expectations import Expectations
from provisioner.kube.controllers.pod_control import create_pod, delete_pod
from provisioner.kube.controllers.pods import controlled_by, is_available, is_ready, pod_from_template
from provisioner.kube.controllers.template_hash import template_hash

HASH = "controller-revision-hash"
# Daemon pods stay whatever befalls their node.
ALWAYS = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


def tolerations_of(spec: core_v1.PodSpec) -> list[core_v1.Toleration]:
    keys = list(ALWAYS) + ([("node.kubernetes.io/network-unavailable", "NoSchedule")] if spec.host_network else [])
    own = list(spec.tolerations or ())
    return own + [
        core_v1.Toleration(key=k, operator="Exists", effect=e) for k, e in keys if not any(t.key == k and t.effect == e for t in own)
    ]


def tolerates(tolerations: list[core_v1.Toleration], taint: core_v1.Taint) -> bool:
    for t in tolerations:
        applies = (not t.effect or t.effect == taint.effect) and (not t.key or t.key == taint.key)
        if applies and (t.operator == "Exists" or (t.key and (t.value or "") == (taint.value or ""))):
            return True
    return False


def belongs_on(spec: core_v1.PodSpec, node: core_v1.Node) -> tuple[bool, bool]:
    """(a pod should be made there, one that is there may stay)."""
    labels = node.metadata.labels or {}
    if spec.node_name and spec.node_name != node.metadata.name:
        return False, False
    if any(labels.get(key) != value for key, value in (spec.node_selector or {}).items()):
        return False, False
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    if required is not None and not any(_term_matches(t, labels, node.metadata.name or "") for t in required.node_selector_terms or ()):
        return False, False
    tolerations = tolerations_of(spec)
    refused = [t for t in node.spec.taints or () if t.effect in ("NoSchedule", "NoExecute") and not tolerates(tolerations, t)]
    return not refused, not any(t.effect == "NoExecute" for t in refused)


def _term_matches(term: core_v1.NodeSelectorTerm, labels: dict[str, str], name: str) -> bool:
    pairs = [(r, labels) for r in term.match_expressions or ()] + [(r, {"metadata.name": name}) for r in term.match_fields or ()]
    return bool(pairs) and all(_requirement(r, values) for r, values in pairs)


def _requirement(r: core_v1.NodeSelectorRequirement, labels: dict[str, str]) -> bool:
    value, values = labels.get(r.key or ""), r.values or []
    if r.operator in ("In", "NotIn"):
        return (value in values) is (r.operator == "In")
    if r.operator in ("Exists", "DoesNotExist"):
        return (value is not None) is (r.operator == "Exists")
    try:
        number, bound = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return number > bound if r.operator == "Gt" else number < bound


@dataclass(frozen=True)
class Plan:
    """Nodes that get a pod, and pods that go."""

    create: tuple[str, ...] = ()
    delete: tuple[core_v1.Pod, ...] = ()


def node_of(pod: core_v1.Pod) -> str:
    """The node a pod is on, or is meant for before it is bound."""
    if pod.spec.node_name:
        return pod.spec.node_name
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    for term in (required.node_selector_terms or ()) if required is not None else ():
        for field in term.match_fields or ():
            if field.key == "metadata.name" and field.values:
                return str(field.values[0])
    return ""


def decide(ds: apps_v1.DaemonSet, nodes: list[core_v1.Node], pods: list[core_v1.Pod], digest: str, now: Any) -> Plan:
    """Missing pods are made, ended ones replaced, doubles and misplaced ones removed, old ones replaced within maxUnavailable."""
    assert ds.spec.template is not None
    spec = ds.spec.template.spec or core_v1.PodSpec()
    by_node: dict[str, list[core_v1.Pod]] = {}
    for pod in pods:
        by_node.setdefault(node_of(pod), []).append(pod)
    create: list[str] = []
    delete: list[core_v1.Pod] = []
    outdated: list[core_v1.Pod] = []
    unavailable = wanted = 0
    for node in nodes:
        name = node.metadata.name or ""
        here = by_node.pop(name, [])
        should_run, may_stay = belongs_on(spec, node)
        alive = [p for p in here if p.metadata.deletion_timestamp is None]
        if not should_run and not may_stay:
            delete += alive
            continue
        ended = [p for p in alive if p.status.phase in ("Failed", "Succeeded")]
        delete += ended
        alive = [p for p in alive if p not in ended]
        wanted += should_run
        if should_run and not here:
            create.append(name)
        alive.sort(key=lambda p: (not is_ready(p), p.metadata.creation_timestamp or ""))
        delete += alive[1:]
        if not alive or not is_available(alive[0], ds.spec.min_ready_seconds or 0, now):
            unavailable += 1
        if alive and (alive[0].metadata.labels or {}).get(HASH) != digest:
            outdated.append(alive[0])
    delete += [p for rest in by_node.values() for p in rest if p.metadata.deletion_timestamp is None]
    strategy = ds.spec.update_strategy
    if strategy is not None and strategy.type == "RollingUpdate":
        limit = scaled(strategy.rolling_update.max_unavailable if strategy.rolling_update else 1, wanted, round_up=True) or 1
        for pod in outdated:
            available = is_available(pod, ds.spec.min_ready_seconds or 0, now)
            if not available or unavailable < limit:
                delete.append(pod)
                unavailable += 1 if available else 0
    return Plan(tuple(create), tuple(delete))


class DaemonSets(Controller):
    name = "daemonset"

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._sets = self.watch(apps_v1.DaemonSet)
        self._nodes = self.informers.get(core_v1.Node)
        self._pods = self.informers.get(core_v1.Pod)
        self._expectations = Expectations(self.clock)
        self._nodes.add_handler(self._node_changed, self._node_updated, self._node_changed)
        self._pods.add_handler(self._pod_added, lambda _, pod: self.enqueue_owner("DaemonSet", pod), self._pod_gone)

    def _node_changed(self, _: core_v1.Node) -> None:
        for ds in self._sets.store.list():
            self.enqueue(ds)

    def _node_updated(self, old: core_v1.Node, new: core_v1.Node) -> None:
        if (
            old.metadata.labels != new.metadata.labels
            or old.spec.taints != new.spec.taints
            or old.spec.unschedulable != new.spec.unschedulable
        ):
            self._node_changed(new)

    def _pod_added(self, pod: core_v1.Pod) -> None:
        owner = controller_of(pod)
        if owner is not None and owner.kind == "DaemonSet":
            self._expectations.created(f"{pod.metadata.namespace}/{owner.name}")
        self.enqueue_owner("DaemonSet", pod)

    def _pod_gone(self, pod: core_v1.Pod) -> None:
        owner = controller_of(pod)
        if owner is not None and owner.kind == "DaemonSet":
            self._expectations.deleted(f"{pod.metadata.namespace}/{owner.name}", key_of(pod))
        self.enqueue_owner("DaemonSet", pod)

    async def reconcile(self, key: str) -> float | None:
        ds: apps_v1.DaemonSet | None = self._sets.store.get(key)
        if ds is None:
            self._expectations.forget(key)
            return None
        digest = template_hash(ds.spec.template)
        nodes = self._nodes.store.list()
        pods = [p for p in self._pods.store.list(ds.metadata.namespace) if controlled_by(p, ds)]
        if self._expectations.fulfilled(key) and ds.metadata.deletion_timestamp is None:
            plan = decide(ds, nodes, pods, digest, self.clock.now())
            if plan.create:
                self._expectations.expect_creations(key, len(plan.create))
                await asyncio.gather(*(self._create(ds, key, name, digest) for name in plan.create))
            await asyncio.gather(*(delete_pod(self, ds, pod) for pod in plan.delete))
        status = self._status(ds, nodes, pods, digest)
        if status != ds.status:
            await self.client.update_status(msgspec.structs.replace(ds, status=status))
        return float(ds.spec.min_ready_seconds) if ds.spec.min_ready_seconds and (status.number_unavailable or 0) else None

    async def _create(self, ds: apps_v1.DaemonSet, key: str, node: str, digest: str) -> None:
        assert ds.spec.template is not None
        pod = pod_from_template(ds.spec.template, ds)
        field = core_v1.NodeSelectorRequirement(key="metadata.name", operator="In", values=[node])
        term = core_v1.NodeSelectorTerm(match_fields=[field])
        required = core_v1.NodeSelector(node_selector_terms=[term])
        before = pod.spec.affinity or core_v1.Affinity()
        affinity = msgspec.structs.replace(
            before, node_affinity=core_v1.NodeAffinity(required_during_scheduling_ignored_during_execution=required)
        )
        pod.spec = msgspec.structs.replace(pod.spec, affinity=affinity, tolerations=tolerations_of(pod.spec))
        pod.metadata.labels = {**(pod.metadata.labels or {}), HASH: digest, "pod-template-generation": str(ds.metadata.generation or 1)}
        try:
            await create_pod(self, ds, pod)
        except StatusError:
            self._expectations.created(key)
            raise

    def _status(self, ds: apps_v1.DaemonSet, nodes: list[core_v1.Node], pods: list[core_v1.Pod], digest: str) -> apps_v1.DaemonSetStatus:
        spec = (ds.spec.template.spec if ds.spec.template is not None else None) or core_v1.PodSpec()
        desired = scheduled = misplaced = ready = available = updated = 0
        for node in nodes:
            here = [p for p in pods if node_of(p) == node.metadata.name and p.metadata.deletion_timestamp is None]
            should_run, _ = belongs_on(spec, node)
            desired += should_run
            if here and not should_run:
                misplaced += 1
            if here and should_run:
                pod = min(here, key=lambda p: p.metadata.creation_timestamp or "")
                scheduled += 1
                ready += is_ready(pod)
                available += is_available(pod, ds.spec.min_ready_seconds or 0, self.clock.now())
                updated += (pod.metadata.labels or {}).get(HASH) == digest
        return apps_v1.DaemonSetStatus(
            current_number_scheduled=scheduled,
            number_misscheduled=misplaced,
            desired_number_scheduled=desired,
            number_ready=ready,
            updated_number_scheduled=updated or None,
            number_available=available or None,
            number_unavailable=(desired - available) or None,
            observed_generation=ds.metadata.generation,
            conditions=ds.status.conditions,
            collision_count=ds.status.collision_count,
        )

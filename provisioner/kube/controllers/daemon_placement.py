"""Where a DaemonSet's pods belong, and which of them are made, replaced and removed. Pure. Source: the documentation of apps/v1 DaemonSet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api.intstr import scaled
from provisioner.kube.api.tolerations import tolerated
from provisioner.kube.api.volume_match import term_matches
from provisioner.kube.controllers.pods import is_available, is_ready

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


def belongs_on(spec: core_v1.PodSpec, node: core_v1.Node) -> tuple[bool, bool]:
    """(a pod should be made there, one that is there may stay)."""
    labels = node.metadata.labels or {}
    if spec.node_name and spec.node_name != node.metadata.name:
        return False, False
    if any(labels.get(key) != value for key, value in (spec.node_selector or {}).items()):
        return False, False
    affinity = spec.affinity.node_affinity if spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    if required is not None and not any(term_matches(t, labels, node.metadata.name or "") for t in required.node_selector_terms or ()):
        return False, False
    tolerations = tolerations_of(spec)
    refused = [t for t in node.spec.taints or () if t.effect in ("NoSchedule", "NoExecute") and not tolerated(tolerations, t)]
    return not refused, not any(t.effect == "NoExecute" for t in refused)


@dataclass(frozen=True)
class Plan:
    """Nodes that get a pod, pods that go, and of these the ones that had failed."""

    create: tuple[str, ...] = ()
    delete: tuple[core_v1.Pod, ...] = ()
    failed: tuple[core_v1.Pod, ...] = ()


@dataclass
class _Draft:
    create: list[str] = field(default_factory=list)
    delete: list[core_v1.Pod] = field(default_factory=list)
    failed: list[core_v1.Pod] = field(default_factory=list)
    # what runs on each node that should have a pod: (up to date, outdated), each None for none
    running: dict[str, tuple[core_v1.Pod | None, core_v1.Pod | None]] = field(default_factory=dict)

    def plan(self) -> Plan:
        return Plan(tuple(self.create), tuple(self.delete), tuple(self.failed))


def node_of(pod: core_v1.Pod) -> str:
    """The node a pod is on, or is meant for before it is bound."""
    if pod.spec.node_name:
        return pod.spec.node_name
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity is not None else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    for term in (required.node_selector_terms or ()) if required is not None else ():
        for one in term.match_fields or ():
            if one.key == "metadata.name" and one.values:
                return str(one.values[0])
    return ""


def spec_of(ds: apps_v1.DaemonSet) -> core_v1.PodSpec:
    return (ds.spec.template.spec if ds.spec.template is not None else None) or core_v1.PodSpec()


def is_current(pod: core_v1.Pod, digest: str) -> bool:
    return (pod.metadata.labels or {}).get(HASH) == digest


def bounds_of(ds: apps_v1.DaemonSet, wanted: int) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods, percentages rounded up; one pod may be missing where both would be none."""
    strategy = ds.spec.update_strategy
    rolling = strategy.rolling_update if strategy is not None else None
    surge = scaled(rolling.max_surge, wanted, round_up=True) if rolling is not None and rolling.max_surge is not None else 0
    missing = scaled(rolling.max_unavailable if rolling is not None and rolling.max_unavailable is not None else 1, wanted, round_up=True)
    return surge, missing if surge or missing else 1


def rolls(ds: apps_v1.DaemonSet) -> bool:
    return ds.spec.update_strategy is None or ds.spec.update_strategy.type != "OnDelete"


def decide(ds: apps_v1.DaemonSet, nodes: list[core_v1.Node], pods: list[core_v1.Pod], digest: str, now: datetime) -> Plan:
    """Missing pods are made, ended ones replaced, doubles and misplaced ones removed, old ones replaced within the strategy's bounds."""
    draft, spec = _Draft(), spec_of(ds)
    by_node: dict[str, list[core_v1.Pod]] = {}
    for pod in pods:
        by_node.setdefault(node_of(pod), []).append(pod)
    wanted = 0
    for node in nodes:
        name = node.metadata.name or ""
        here = by_node.pop(name, [])
        should_run, may_stay = belongs_on(spec, node)
        wanted += should_run
        if should_run or may_stay:
            _on_node(ds, name, here, digest, draft, now, should_run=should_run)
        else:
            draft.delete += [p for p in here if p.metadata.deletion_timestamp is None]
    draft.delete += [p for rest in by_node.values() for p in rest if p.metadata.deletion_timestamp is None]
    if rolls(ds):
        surge, unavailable = bounds_of(ds, wanted)
        if surge:
            _surge(ds, draft, surge, now)
        else:
            _replace(ds, draft, unavailable, now)
    return draft.plan()


def _on_node(
    ds: apps_v1.DaemonSet, name: str, here: list[core_v1.Pod], digest: str, draft: _Draft, now: datetime, *, should_run: bool
) -> None:
    """One node's pods, but for updates: one up to date, or one outdated, or for a surge one of each."""
    alive = [p for p in here if p.metadata.deletion_timestamp is None]
    ended = [p for p in alive if p.status.phase in ("Failed", "Succeeded")]
    draft.failed += [p for p in ended if p.status.phase == "Failed"]
    draft.delete += ended
    alive = [p for p in alive if p not in ended]
    alive.sort(key=lambda p: (not p.spec.node_name, p.metadata.creation_timestamp or ""))
    current = [p for p in alive if is_current(p, digest)]
    outdated = [p for p in alive if not is_current(p, digest)]
    surges = rolls(ds) and bounds_of(ds, 1)[0] > 0
    if current and outdated and surges:
        if is_available(current[0], ds.spec.min_ready_seconds or 0, now) or not is_ready(outdated[0]):
            draft.delete += outdated
            outdated = []
    elif current and outdated:
        ordered = sorted(alive, key=lambda p: p.metadata.creation_timestamp or "")
        current, outdated = ([p for p in group if p is ordered[0]] for group in (current, outdated))
        draft.delete += ordered[1:]
    draft.delete += [*current[1:], *outdated[1:]]
    if should_run:
        draft.running[name] = (current[0] if current else None, outdated[0] if outdated else None)
        if not here:
            draft.create.append(name)


def _replace(ds: apps_v1.DaemonSet, draft: _Draft, limit: int, now: datetime) -> None:
    """Old pods go first, as many as may be missing; those that are not available cost nothing."""
    least = ds.spec.min_ready_seconds or 0
    pairs = draft.running.values()
    missing = sum(not any(p is not None and is_available(p, least, now) for p in pair) for pair in pairs)
    for current, outdated in pairs:
        if current is not None or outdated is None:
            continue
        available = is_available(outdated, least, now)
        if not available or missing < limit:
            draft.delete.append(outdated)
            missing += available


def _surge(ds: apps_v1.DaemonSet, draft: _Draft, limit: int, now: datetime) -> None:
    """New pods come first, as many at a time as may be too many; where the old one isn't available the new one is no surplus."""
    least = ds.spec.min_ready_seconds or 0
    extra = sum(current is not None and outdated is not None for current, outdated in draft.running.values())
    for name, (current, outdated) in draft.running.items():
        if current is not None or outdated is None:
            continue
        if not is_available(outdated, least, now):
            draft.delete.append(outdated)
            draft.create.append(name)
        elif extra < limit:
            draft.create.append(name)
            extra += 1


def status_of(
    ds: apps_v1.DaemonSet, nodes: list[core_v1.Node], pods: list[core_v1.Pod], digest: str, collisions: int, now: datetime
) -> apps_v1.DaemonSetStatus:
    """Of several pods on a node the oldest one is counted."""
    spec, least = spec_of(ds), ds.spec.min_ready_seconds or 0
    desired = scheduled = misplaced = ready = available = updated = 0
    by_node: dict[str, list[core_v1.Pod]] = {}
    for pod in pods:
        if pod.metadata.deletion_timestamp is None:
            by_node.setdefault(node_of(pod), []).append(pod)
    for node in nodes:
        here = by_node.get(node.metadata.name or "", [])
        should_run, _ = belongs_on(spec, node)
        desired += should_run
        misplaced += bool(here) and not should_run
        if here and should_run:
            # A ready one stands for the others, as during a surge.
            pod = min(here, key=lambda p: (not is_ready(p), p.metadata.creation_timestamp or ""))
            scheduled += 1
            ready += is_ready(pod)
            available += is_available(pod, least, now)
            updated += any(is_current(p, digest) for p in here) if not is_ready(pod) else is_current(pod, digest)
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
        collision_count=collisions or None,
    )

"""The decision for one pod: the best node, or why none will do, and which lesser pods would have to go. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from provisioner.kube.scheduler import filters
from provisioner.kube.scheduler.facts import PodFacts
from provisioner.kube.scheduler.nodes import Mask, Nodes
from provisioner.kube.scheduler.scores import SCORES


@dataclass(frozen=True)
class Decision:
    """`node` is None where no node will do; then `message` is upstream's FailedScheduling text. `feasible` counts nodes."""

    node: str | None
    message: str
    feasible: int = 0
    # Nodes that would do but for the pods on them: preemption may help there.
    resolvable: tuple[int, ...] = ()


# Filters that no preemption can satisfy.
def _fixed(pod: PodFacts, nodes: Nodes) -> list[tuple[Mask, str]]:
    found = [filters.node_affinity(pod, nodes)]
    reasons = filters.taint_reasons(pod, nodes)
    for reason in dict.fromkeys(reasons.values()):
        mask = np.ones(nodes.size, dtype=np.bool_)
        mask[[row for row, why in reasons.items() if why == reason]] = False
        found.append((mask, reason))
    return found


def _movable(pod: PodFacts, nodes: Nodes) -> list[tuple[Mask, str]]:
    return [
        filters.host_ports(pod, nodes),
        *filters.fit(pod, nodes),
        *filters.topology_spread(pod, nodes),
        *filters.inter_pod_affinity(pod, nodes),
    ]


def decide(pod: PodFacts, nodes: Nodes, turn: int = 0) -> Decision:
    """Filter, score, choose. Of equally good nodes `turn` picks one, so that ties go round."""
    present = nodes.present
    total = int(present.sum())
    if not total:
        return Decision(None, "no nodes available to schedule pods")
    reasons: Counter[str] = Counter()
    feasible = present.copy()
    for mask, reason in _fixed(pod, nodes):
        turned_away = int((feasible & ~mask).sum())
        if turned_away:
            reasons[reason] += turned_away
            feasible &= mask
    resolvable = feasible.copy()
    # A node that lacks cpu and memory both is told of for both, as upstream's fit plugin does.
    for mask, reason in _movable(pod, nodes):
        turned_away = int((resolvable & ~mask).sum())
        if turned_away:
            reasons[reason] += turned_away
            feasible &= mask
    rows = np.flatnonzero(feasible)
    if not rows.size:
        listed = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
        return Decision(None, f"0/{total} nodes are available: {listed}.", 0, tuple(int(r) for r in np.flatnonzero(resolvable)))
    best = int(rows[0])
    if rows.size > 1:
        totals = np.zeros(nodes.size)
        for score, weight in SCORES:
            totals += weight * score(pod, nodes, feasible)
        ranked = totals[rows]
        winners = rows[ranked >= ranked.max() - 1e-9]
        best = int(winners[turn % winners.size])
    return Decision(nodes.names[best], "", int(rows.size))


@dataclass(frozen=True)
class Preemption:
    """Deleting `victims` makes room on `node`."""

    node: str
    victims: tuple[PodFacts, ...]


def preempt(pod: PodFacts, nodes: Nodes, candidates: tuple[int, ...]) -> Preemption | None:
    """The cheapest way to make room among pods of lower priority: as few and as unimportant victims as can be.

    For each candidate node every lesser pod is taken away; if the pod then fits, they are put back, most important first, while it still
    does. `nodes` is as before when this returns.
    """
    if pod.pod.spec.preemption_policy == "Never":
        return None
    best: tuple[tuple[int, int, int], Preemption] | None = None
    for row in candidates:
        name = nodes.names[row]
        lesser = sorted((p for p in nodes.pods[row].values() if p.priority < pod.priority), key=lambda p: (-p.priority, p.key))
        if name is None or not lesser:
            continue
        for victim in lesser:
            nodes.take_away(victim, name)
        victims = list(lesser)
        if _fits(pod, nodes, row):
            victims = []
            for other in lesser:
                nodes.place(other, name)
                if not _fits(pod, nodes, row):
                    nodes.take_away(other, name)
                    victims.append(other)
            rank = (max(v.priority for v in victims), sum(v.priority for v in victims), len(victims)) if victims else (0, 0, 0)
            if victims and (best is None or rank < best[0]):
                best = (rank, Preemption(name, tuple(victims)))
        for victim in victims:
            nodes.place(victim, name)
    return best[1] if best else None


def _fits(pod: PodFacts, nodes: Nodes, row: int) -> bool:
    return all(bool(mask[row]) for mask, _ in _movable(pod, nodes))

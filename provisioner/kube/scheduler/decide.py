"""The decision for one pod: the best node, or why none will do, and which lesser pods would have to go. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from provisioner.kube.scheduler import filters, volumes
from provisioner.kube.scheduler.facts import PodFacts
from provisioner.kube.scheduler.nodes import Mask, Nodes
from provisioner.kube.scheduler.preemption import Budget, Preemption, preempt
from provisioner.kube.scheduler.profiles import DEFAULT, Profile
from provisioner.kube.scheduler.volumes import Needs, Storage

NO_STORAGE = Storage(lambda _: None, lambda _: None, lambda _: None, lambda: ())


@dataclass(frozen=True)
class Decision:
    """`node` is None where no node will do; then `message` is upstream's FailedScheduling text. `feasible` counts nodes."""

    node: str | None
    message: str
    feasible: int = 0
    # Nodes that would do but for the pods on them: preemption may help there.
    resolvable: tuple[int, ...] = ()
    needs: Needs = field(default_factory=Needs)


# What upstream's plugin for devices says before preemption of a pod whose claims hold none, which are all of ours.
NO_CLAIMS = " no new claims to deallocate,"


# Filters that no preemption can satisfy. A node is told of for the first one that turns it away, in upstream's order.
def _fixed(pod: PodFacts, nodes: Nodes, needs: Needs, storage: Storage) -> list[tuple[Mask, str]]:
    found = []
    reasons = filters.taint_reasons(pod, nodes)
    for reason in dict.fromkeys(reasons.values()):
        mask = np.ones(nodes.size, dtype=np.bool_)
        mask[[row for row, why in reasons.items() if why == reason]] = False
        found.append((mask, reason))
    return [*found, filters.node_affinity(pod, nodes), *volumes.fixed_masks(needs, nodes, storage)]


def _movable(pod: PodFacts, nodes: Nodes, needs: Needs) -> list[list[tuple[Mask, str]]]:
    """By plugin: a node is told of for all that one of them says, and for nothing that a later one would."""
    return [
        [filters.host_ports(pod, nodes)],
        filters.fit(pod, nodes),
        volumes.exclusive_mask(needs, nodes),
        filters.topology_spread(pod, nodes),
        filters.inter_pod_affinity(pod, nodes),
    ]


def decide(pod: PodFacts, nodes: Nodes, turn: int = 0, *, storage: Storage = NO_STORAGE, profile: Profile = DEFAULT) -> Decision:
    """Filter, score, choose. Of equally good nodes `turn` picks one, so that ties go round."""
    present = nodes.present
    total = int(present.sum())
    if not total:
        return Decision(None, "no nodes available to schedule pods")
    needs = volumes.needs_of(pod, storage) if pod.claims else Needs()
    if pod.pod.spec.resource_claims:
        # No node of ours gives devices (dynamic resource allocation), so none has what the claims ask for.
        return Decision(None, f"0/{total} nodes are available: {total} cannot allocate all claims.")
    if needs.problem:
        return Decision(None, f"0/{total} nodes are available: {needs.problem}.", needs=needs)
    reasons: Counter[str] = Counter()
    feasible = present.copy()
    for mask, reason in _fixed(pod, nodes, needs, storage):
        turned_away = int((feasible & ~mask).sum())
        if turned_away:
            reasons[reason] += turned_away
            feasible &= mask
    resolvable = feasible & filters.could_fit(pod, nodes)
    for plugin in _movable(pod, nodes, needs):
        left = feasible.copy()
        for mask, reason in plugin:
            turned_away = int((left & ~mask).sum())
            if turned_away:
                reasons[reason] += turned_away
                feasible &= mask
                if reason in filters.NOT_BY_PREEMPTION:
                    resolvable &= mask | ~left
    rows = np.flatnonzero(feasible)
    if not rows.size:
        listed = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
        text = f"0/{total} nodes are available: {listed}."
        return Decision(None, text, 0, tuple(int(r) for r in np.flatnonzero(resolvable)), needs)
    best = int(rows[0])
    if rows.size > 1:
        totals = np.zeros(nodes.size)
        for score, weight in profile.scores:
            totals += weight * score(pod, nodes, feasible)
        ranked = totals[rows]
        winners = rows[ranked >= ranked.max() - 1e-9]
        best = int(winners[turn % winners.size])
    return Decision(nodes.names[best], "", int(rows.size), (), needs)


@contextmanager
def expected(pod: PodFacts, nodes: Nodes, nominated: Iterable[tuple[PodFacts, str]]) -> Iterator[None]:
    """While this lasts, pods of no lesser priority that were promised a node count as being there."""
    promised = [
        (other, node) for other, node in nominated if other.uid != pod.uid and other.priority >= pod.priority and node in nodes.rows
    ]
    for other, node in promised:
        nodes.place(other, node)
    try:
        yield
    finally:
        for other, node in promised:
            nodes.take_away(other, node)


def _fits(pod: PodFacts, nodes: Nodes, needs: Needs, row: int) -> bool:
    return all(bool(mask[row]) for plugin in _movable(pod, nodes, needs) for mask, _ in plugin)


def make_room(pod: PodFacts, nodes: Nodes, decision: Decision, budgets: Sequence[Budget]) -> tuple[Preemption | None, str]:
    """(whom to preempt, or None; what to add to the message then)."""
    total = int(nodes.present.sum())
    if decision.needs.problem:
        # Upstream's plugin for devices finds no state of its own where volumes turned the pod away for all nodes, and says just that.
        return None, " not found"
    if pod.pod.spec.preemption_policy == "Never":
        return None, f"{NO_CLAIMS} preemption: not eligible due to preemptionPolicy=Never."
    nominated = pod.pod.status.nominated_node_name
    row = nodes.rows.get(nominated or "")
    if row is not None and row in decision.resolvable:
        going = [p for p in nodes.pods[row].values() if p.priority < pod.priority and p.pod.metadata.deletion_timestamp is not None]
        if going:
            return None, f"{NO_CLAIMS} preemption: not eligible due to a terminating pod on the nominated node."
    fixed = Needs(exclusive=decision.needs.exclusive)
    chosen = preempt(pod, nodes, decision.resolvable, lambda at: _fits(pod, nodes, fixed, at), budgets)
    if chosen is not None:
        return chosen, ""
    counts = {
        "No preemption victims found for incoming pod": len(decision.resolvable),
        "Preemption is not helpful for scheduling": total - len(decision.resolvable),
    }
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items() if count))
    return None, f"{NO_CLAIMS} preemption: 0/{total} nodes are available: {listed}."

"""Which lesser pods would have to go for a pod to fit somewhere, and where that costs least. Pure. Order and messages are upstream's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from provisioner.kube.api._generated import policy_v1
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.scheduler.facts import PodFacts
from provisioner.kube.scheduler.nodes import Nodes

Fits = Callable[[int], bool]
# Added to each priority, so that many pods of low priority weigh more than few (upstream: MaxInt32 + 1).
EACH = 2**31


@dataclass(frozen=True)
class Preemption:
    """Deleting `victims` makes room on `node`."""

    node: str
    victims: tuple[PodFacts, ...]


@dataclass(frozen=True)
class Budget:
    """A PodDisruptionBudget: how many more of the pods that it matches may go. Those in `disrupted` are counted already."""

    namespace: str
    matches: Callable[[Mapping[str, str]], bool]
    allowed: int
    disrupted: frozenset[str]


def budgets_of(found: Iterable[policy_v1.PodDisruptionBudget]) -> list[Budget]:
    return [
        Budget(
            pdb.metadata.namespace or "",
            from_struct(pdb.spec.selector).matches,
            pdb.status.disruptions_allowed or 0,
            frozenset(pdb.status.disrupted_pods or ()),
        )
        for pdb in found
        if pdb.spec.selector is not None
    ]


def preempt(pod: PodFacts, nodes: Nodes, candidates: Iterable[int], fits: Fits, budgets: Sequence[Budget] = ()) -> Preemption | None:
    """The cheapest way to make room among pods of lower priority; `fits(row)` asks whether the pod fits by now.

    For each candidate node every lesser pod is taken away; if the pod then fits, they are put back, those that a budget protects first,
    and of those the most important first, while it still does. `nodes` is as before when this returns.
    """
    best: tuple[tuple[float, ...], Preemption] | None = None
    for row in candidates:
        name = nodes.names[row]
        lesser = sorted((p for p in nodes.pods[row].values() if p.priority < pod.priority), key=_importance)
        if name is None or not lesser:
            continue
        victims, violations = _victims(nodes, row, name, lesser, fits, budgets)
        if victims:
            rank = _rank(victims, violations)
            if best is None or rank < best[0]:
                best = (rank, Preemption(name, tuple(victims)))
    return best[1] if best else None


def _victims(
    nodes: Nodes, row: int, name: str, lesser: list[PodFacts], fits: Fits, budgets: Sequence[Budget]
) -> tuple[list[PodFacts], int]:
    """(the pods that have to go from one node, how many of them a budget protects); none where the pod won't fit all the same."""
    for victim in lesser:
        nodes.take_away(victim, name)
    victims: list[PodFacts] = list(lesser)
    violations = 0
    try:
        if not fits(row):
            return [], 0
        protected = _protected(lesser, budgets)
        still: list[PodFacts] = []
        for other in sorted(lesser, key=lambda p: p.uid not in protected):
            nodes.place(other, name)
            if fits(row):
                continue
            nodes.take_away(other, name)
            still.append(other)
            violations += other.uid in protected
        victims = still
        return sorted(still, key=_importance), violations
    finally:
        for victim in victims:
            nodes.place(victim, name)


def _protected(pods: list[PodFacts], budgets: Sequence[Budget]) -> set[str]:
    """uids of pods whose going would be more than their budgets allow, the most important ones being counted first."""
    left = [budget.allowed for budget in budgets]
    found = set()
    for pod in pods:
        if not pod.labels:
            continue
        for number, budget in enumerate(budgets):
            if budget.namespace != pod.namespace or not budget.matches(pod.labels) or pod.pod.metadata.name in budget.disrupted:
                continue
            left[number] -= 1
            if left[number] < 0:
                found.add(pod.uid)
    return found


def _started(pod: PodFacts) -> str:
    return pod.pod.status.start_time or pod.pod.metadata.creation_timestamp or ""


def _importance(pod: PodFacts) -> tuple[int, str, str]:
    """Most important first: by priority, then who runs longest."""
    return -pod.priority, _started(pod), pod.key


def _rank(victims: list[PodFacts], violations: int) -> tuple[float, ...]:
    """Fewest budgets broken, lowest highest priority, least priority in all, fewest pods, youngest of the most important."""
    highest = victims[0].priority
    oldest = min(_started(v) for v in victims if v.priority == highest)
    digits = "".join(c for c in oldest if c.isdigit())[:14].ljust(14, "0")
    return violations, highest, sum(v.priority + EACH for v in victims), len(victims), -int(digits)

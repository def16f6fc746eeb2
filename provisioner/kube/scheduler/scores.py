"""Scores: how good each node that can take the pod is. Each is a vector of 0 to 100 over all nodes; weights are upstream's. Pure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from provisioner.kube.api.tolerations import tolerated
from provisioner.kube.api.volume_match import term_matches
from provisioner.kube.scheduler.facts import CPU, MEMORY, PodFacts
from provisioner.kube.scheduler.filters import spread_counts
from provisioner.kube.scheduler.nodes import Mask, Nodes, Vector

MAX = 100.0
# Upstream's hardPodAffinityWeight.
HARD_AFFINITY_WEIGHT = 1
# Upstream's spreading of pods that say nothing of it: skew weights by hostname and zone, never forbidding.
DEFAULT_SPREAD_KEYS = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
OWNER_LABELS_IGNORED = frozenset({"controller-revision-hash"})


def _fractions(pod: PodFacts, nodes: Nodes) -> Vector:
    """Used share of cpu and memory after placing the pod, a column each; 1 where a node has none to give."""
    allocatable = np.stack([nodes.allocatable(CPU), nodes.allocatable(MEMORY)], axis=1).astype(np.float64)
    wanted = nodes.nonzero() + np.array(pod.nonzero, dtype=np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(allocatable > 0, wanted / allocatable, 1.0)
    return np.minimum(share, 1.0)


def least_allocated(pod: PodFacts, nodes: Nodes, feasible: Mask) -> Vector:
    """NodeResourcesFit with strategy LeastAllocated."""
    return np.asarray((1.0 - _fractions(pod, nodes)).mean(axis=1) * MAX)


def most_allocated(pod: PodFacts, nodes: Nodes, feasible: Mask) -> Vector:
    """NodeResourcesFit with strategy MostAllocated: fill nodes one after the other."""
    return np.asarray(_fractions(pod, nodes).mean(axis=1) * MAX)


def balanced_allocation(pod: PodFacts, nodes: Nodes, feasible: Mask) -> Vector:
    """NodeResourcesBalancedAllocation: cpu and memory used alike."""
    return np.asarray((1.0 - _fractions(pod, nodes).std(axis=1)) * MAX)


def taint_toleration(pod: PodFacts, nodes: Nodes, feasible: Mask) -> Vector:
    """Fewer PreferNoSchedule taints that the pod doesn't tolerate."""
    counts = np.zeros(nodes.size)
    for row, taints in enumerate(nodes.taints):
        if taints:
            counts[row] = sum(t.effect == "PreferNoSchedule" and not tolerated(pod.tolerations, t) for t in taints)
    return MAX - _normalized(counts, feasible)


def node_affinity(pod: PodFacts, nodes: Nodes, feasible: Mask) -> Vector:
    """Weights of the preferred node affinity terms that match."""
    totals = np.zeros(nodes.size)
    for preferred in pod.preferred_nodes:
        term = preferred.preference
        if term is not None:
            for row, labels in enumerate(nodes.labels):
                if term_matches(term, labels, nodes.names[row] or ""):
                    totals[row] += preferred.weight or 0
    return _normalized(totals, feasible)


def inter_pod_affinity(pod: PodFacts, nodes: Nodes, feasible: Mask) -> Vector:
    """Weights of the pod's preferred (anti-)affinity terms by the pods in each node's domain, and of the terms that those pods have
    for it; to be where another one must be near it is worth HARD_AFFINITY_WEIGHT."""
    totals = np.zeros(nodes.size)
    for term in pod.preferred_affinity:
        domains = [labels.get(term.topology_key) for labels in nodes.labels]
        counts: dict[str, int] = {}
        for row, pods in enumerate(nodes.pods):
            domain = domains[row]
            if domain is not None:
                counts[domain] = counts.get(domain, 0) + sum(term.selects(other, nodes.namespaces) for other in pods.values())
        totals += np.fromiter((term.weight * counts.get(d, 0) if d is not None else 0 for d in domains), dtype=np.float64, count=nodes.size)
    for row, other in nodes.with_affinity.values():
        for term in (*other.preferred_affinity, *other.affinity):
            domain = nodes.labels[row].get(term.topology_key)
            if domain is not None and term.selects(pod, nodes.namespaces):
                near = np.fromiter((labels.get(term.topology_key) == domain for labels in nodes.labels), np.bool_, nodes.size)
                totals[near] += term.weight or HARD_AFFINITY_WEIGHT
    low = totals[feasible].min(initial=0.0)
    return _normalized(totals - low, feasible)


def topology_spread(pod: PodFacts, nodes: Nodes, feasible: Mask) -> Vector:
    """Fewer like pods in the node's domains. A pod without constraints is spread over hosts and zones among those with its labels."""
    soft = [(s.topology_key, s.matches) for s in pod.spreads if not s.hard]
    if not pod.spreads and pod.labels and pod.pod.metadata.owner_references:
        own = {key: value for key, value in pod.labels.items() if key not in OWNER_LABELS_IGNORED}
        soft = [(key, lambda labels: all(labels.get(k) == v for k, v in own.items())) for key in DEFAULT_SPREAD_KEYS]
    if not soft:
        return np.full(nodes.size, MAX)
    totals = np.zeros(nodes.size)
    for key, matches in soft:
        domains = [labels.get(key) for labels in nodes.labels]
        counts = spread_counts(pod, nodes, domains, nodes.present, matches)
        if counts:
            # Upstream's weight: domains of a key that has many count for more.
            weight = np.log(len(counts) + 2)
            totals += np.fromiter((counts.get(d, 0) * weight if d is not None else 0 for d in domains), dtype=np.float64, count=nodes.size)
    chosen = totals[feasible]
    if not chosen.size or chosen.max() == 0:
        return np.full(nodes.size, MAX)
    return np.asarray(MAX * (chosen.max() + chosen.min() - totals) / chosen.max())


def image_locality(pod: PodFacts, nodes: Nodes, feasible: Mask) -> Vector:
    """Nodes that have the pod's images already, by the images' size as upstream bounds it (23 MB to 1000 MB a container)."""
    images = [c.image for c in pod.pod.spec.containers or () if c.image]
    totals = np.zeros(nodes.size)
    for row, node in enumerate(nodes.nodes):
        if node is not None and node.status.images:
            sizes = {_full(name): image.size_bytes or 0 for image in node.status.images for name in image.names or ()}
            totals[row] = sum(sizes.get(_full(image), 0) for image in images)
    low, high = 23e6, 1000e6 * max(1, len(images))
    return np.asarray(np.clip((totals - low) / (high - low), 0, 1) * MAX)


def _full(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"


def _normalized(values: Vector, feasible: Mask) -> Vector:
    top = values[feasible].max(initial=0.0)
    return values * (MAX / top) if top > 0 else values


Score = Callable[[PodFacts, Nodes, Mask], Vector]
# Upstream's plugins by name, with their default weights.
SCORES: dict[str, tuple[Score, float]] = {
    "TaintToleration": (taint_toleration, 3.0),
    "NodeAffinity": (node_affinity, 2.0),
    "PodTopologySpread": (topology_spread, 2.0),
    "InterPodAffinity": (inter_pod_affinity, 2.0),
    "NodeResourcesFit": (least_allocated, 1.0),
    "NodeResourcesBalancedAllocation": (balanced_allocation, 1.0),
    "ImageLocality": (image_locality, 1.0),
}
STRATEGIES: dict[str, Score] = {"LeastAllocated": least_allocated, "MostAllocated": most_allocated}

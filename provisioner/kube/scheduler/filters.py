"""Filters: which nodes can take a pod at all. Each gives a mask over the nodes and upstream's words for those it turns away. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.tolerations import tolerated
from provisioner.kube.api.volume_match import term_matches
from provisioner.kube.scheduler.facts import PodFacts
from provisioner.kube.scheduler.nodes import Mask, Nodes

NOT_NEAR = "node(s) didn't match pod affinity rules"
NO_DOMAIN = "node(s) didn't match pod topology spread constraints (missing required label)"
# Taking pods away doesn't help there.
NOT_BY_PREEMPTION = {NOT_NEAR, NO_DOMAIN}


def node_affinity_mask(pod: PodFacts, nodes: Nodes) -> Mask:
    """nodeSelector and required node affinity together."""
    if not pod.node_selector and pod.required_terms is None:
        return np.ones(nodes.size, dtype=np.bool_)
    mask = np.zeros(nodes.size, dtype=np.bool_)
    for row, labels in enumerate(nodes.labels):
        if all(labels.get(key) == value for key, value in pod.node_selector.items()):
            mask[row] = pod.required_terms is None or any(term_matches(t, labels, nodes.names[row] or "") for t in pod.required_terms)
    return mask


def node_affinity(pod: PodFacts, nodes: Nodes) -> tuple[Mask, str]:
    return node_affinity_mask(pod, nodes), "node(s) didn't match Pod's node affinity/selector"


def untolerated(pod: PodFacts, taints: Iterable[core_v1.Taint]) -> core_v1.Taint | None:
    """The first taint that keeps the pod away."""
    for taint in taints:
        if taint.effect in ("NoSchedule", "NoExecute") and not tolerated(pod.tolerations, taint):
            return taint
    return None


def taint_reasons(pod: PodFacts, nodes: Nodes) -> dict[int, str]:
    """Row to reason, for nodes whose taints the pod doesn't tolerate. Nodes with equal taints are judged once."""
    judged: dict[tuple[tuple[str | None, ...], ...], str | None] = {}
    found = {}
    for row, taints in enumerate(nodes.taints):
        if not taints:
            continue
        identity = tuple((t.key, t.value, t.effect) for t in taints)
        if identity not in judged:
            taint = untolerated(pod, taints)
            if taint is None:
                judged[identity] = None
            elif taint.key == "node.kubernetes.io/unschedulable":
                judged[identity] = "node(s) were unschedulable"
            else:
                judged[identity] = "node(s) had untolerated taint(s)"
        reason = judged[identity]
        if reason is not None:
            found[row] = reason
    return found


def host_ports(pod: PodFacts, nodes: Nodes) -> tuple[Mask, str]:
    mask = np.ones(nodes.size, dtype=np.bool_)
    for row, used in enumerate(nodes.ports if pod.host_ports else ()):
        mask[row] = not any(_clash(mine, other) for mine in pod.host_ports for other in used)
    return mask, "node(s) didn't have free ports for the requested pod ports"


def _clash(mine: tuple[str, str, int], other: tuple[str, str, int]) -> bool:
    return mine[1:] == other[1:] and (mine[0] == other[0] or "0.0.0.0" in (mine[0], other[0]))


def fit(pod: PodFacts, nodes: Nodes) -> list[tuple[Mask, str]]:
    """NodeResourcesFit: one mask and reason for each resource asked for."""
    found = [(nodes.requested("pods") + 1 <= nodes.allocatable("pods"), "Too many pods")]
    for resource, value in pod.requests.items():
        if value == 0:
            continue
        if nodes.column(resource) is None:
            found.append((np.zeros(nodes.size, dtype=np.bool_), f"Insufficient {resource}"))
        else:
            found.append((nodes.requested(resource) + value <= nodes.allocatable(resource), f"Insufficient {resource}"))
    return found


def could_fit(pod: PodFacts, nodes: Nodes) -> Mask:
    """Nodes that have what the pod asks for, were nobody else there."""
    mask = np.ones(nodes.size, dtype=np.bool_)
    for resource, value in pod.requests.items():
        if value:
            mask &= value <= nodes.allocatable(resource) if nodes.column(resource) is not None else False
    return mask


def _domains(nodes: Nodes, key: str) -> list[str | None]:
    return [labels.get(key) for labels in nodes.labels]


def inter_pod_affinity(pod: PodFacts, nodes: Nodes) -> list[tuple[Mask, str]]:
    """Required affinity and anti-affinity, the pod's own and that of the pods already there."""
    found = []
    if pod.affinity:
        mask = np.ones(nodes.size, dtype=np.bool_)
        for term in pod.affinity:
            domains = _domains(nodes, term.topology_key)
            holding = {
                domains[row] for row, pods in enumerate(nodes.pods) for other in pods.values() if term.selects(other, nodes.namespaces)
            } - {None}
            if not holding and term.selects(pod, nodes.namespaces):
                # The first of a group that wants to be near itself may go anywhere that has the key.
                mask &= np.fromiter((d is not None for d in domains), dtype=np.bool_, count=nodes.size)
            else:
                mask &= np.fromiter((d in holding for d in domains), dtype=np.bool_, count=nodes.size)
        found.append((mask, NOT_NEAR))
    if pod.anti_affinity:
        mask = np.ones(nodes.size, dtype=np.bool_)
        for term in pod.anti_affinity:
            domains = _domains(nodes, term.topology_key)
            holding = {
                domains[row] for row, pods in enumerate(nodes.pods) for other in pods.values() if term.selects(other, nodes.namespaces)
            } - {None}
            mask &= np.fromiter((d not in holding for d in domains), dtype=np.bool_, count=nodes.size)
        found.append((mask, "node(s) didn't match pod anti-affinity rules"))
    if nodes.with_anti_affinity:
        mask = np.ones(nodes.size, dtype=np.bool_)
        for row, other in nodes.with_anti_affinity.values():
            for term in other.anti_affinity:
                domain = nodes.labels[row].get(term.topology_key)
                if domain is not None and term.selects(pod, nodes.namespaces):
                    mask &= np.fromiter((d != domain for d in _domains(nodes, term.topology_key)), dtype=np.bool_, count=nodes.size)
        found.append((mask, "node(s) didn't satisfy existing pods anti-affinity rules"))
    return found


def topology_spread(pod: PodFacts, nodes: Nodes) -> list[tuple[Mask, str]]:
    """DoNotSchedule constraints: the domain's count after placing, less the smallest, stays within maxSkew.

    Only nodes that have the keys of all of them count; one without a constraint's key can't take the pod.
    """
    hard = [spread for spread in pod.spreads if spread.hard]
    if not hard:
        return []
    by_key = {spread.topology_key: _domains(nodes, spread.topology_key) for spread in hard}
    complete = np.fromiter((all(d[row] is not None for d in by_key.values()) for row in range(nodes.size)), np.bool_, nodes.size)
    skewed = np.ones(nodes.size, dtype=np.bool_)
    for spread in hard:
        eligible = nodes.present & complete
        if spread.honor_affinity:
            eligible &= node_affinity_mask(pod, nodes)
        if spread.honor_taints:
            for row in taint_reasons(pod, nodes):
                eligible[row] = False
        domains = by_key[spread.topology_key]
        counts = spread_counts(pod, nodes, domains, eligible, spread.matches)
        smallest = min(counts.values(), default=0) if len(counts) >= spread.min_domains else 0
        own = 1 if spread.matches(pod.labels) else 0
        skewed &= np.fromiter(
            (d is None or counts.get(d, 0) + own - smallest <= spread.max_skew for d in domains), dtype=np.bool_, count=nodes.size
        )
    return [(complete, NO_DOMAIN), (skewed | ~complete, "node(s) didn't match pod topology spread constraints")]


def spread_counts(
    pod: PodFacts, nodes: Nodes, domains: list[str | None], eligible: Mask, matches: Callable[[Mapping[str, str]], bool]
) -> dict[str, int]:
    """How many of the pods that `matches` selects, in the pod's namespace and not ending, each domain of eligible nodes has."""
    counts: dict[str, int] = {}
    for row, domain in enumerate(domains):
        if domain is None or not eligible[row]:
            continue
        here = sum(
            other.namespace == pod.namespace and other.pod.metadata.deletion_timestamp is None and matches(other.labels)
            for other in nodes.pods[row].values()
        )
        counts[domain] = counts.get(domain, 0) + here
    return counts

"""What the scheduler needs of a pod, taken out of it once: requests, selectors, tolerations, ports, spreading."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from provisioner.kube.api import quantity
from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.pod_totals import whole_pod
from provisioner.kube.api.selectors import from_struct

# Upstream's scoring defaults for containers that request nothing: 100 millicores, 200 MB.
DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024

CPU, MEMORY, STORAGE, PODS = "cpu", "memory", "ephemeral-storage", "pods"
Matcher = Callable[[Mapping[str, str]], bool]


def amount(resource: str, value: str | int | float) -> int:
    """A quantity in the unit that we count in: millicores for cpu, else whole units (bytes, pieces)."""
    return quantity.milli(value) if resource == CPU else quantity.value(value)


@dataclass(frozen=True)
class Term:
    """One pod (anti-)affinity term."""

    topology_key: str
    namespaces: frozenset[str]
    matches: Matcher
    weight: int = 0
    # By the labels of a pod's namespace; None for a term that names its namespaces only.
    namespace_matches: Matcher | None = None

    def selects(self, pod: PodFacts, namespaces: Mapping[str, Mapping[str, str]]) -> bool:
        """`namespaces` are the labels of each namespace."""
        if pod.namespace not in self.namespaces and (
            self.namespace_matches is None or not self.namespace_matches(namespaces.get(pod.namespace, {}))
        ):
            return False
        return self.matches(pod.labels)


@dataclass(frozen=True)
class Spread:
    """One topology spread constraint."""

    topology_key: str
    max_skew: int
    hard: bool
    matches: Matcher
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False


@dataclass(eq=False)
class PodFacts:
    """A pod as the scheduler sees it. Identity is the pod's uid; `pod` is the object the informer holds."""

    pod: core_v1.Pod
    requests: dict[str, int]
    nonzero: tuple[int, int]
    required_terms: list[core_v1.NodeSelectorTerm] | None = None
    preferred_nodes: list[core_v1.PreferredSchedulingTerm] = field(default_factory=list)
    affinity: list[Term] = field(default_factory=list)
    anti_affinity: list[Term] = field(default_factory=list)
    preferred_affinity: list[Term] = field(default_factory=list)
    spreads: list[Spread] = field(default_factory=list)
    host_ports: frozenset[tuple[str, str, int]] = frozenset()
    claims: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.pod.metadata.namespace}/{self.pod.metadata.name}"

    @property
    def uid(self) -> str:
        return self.pod.metadata.uid or self.key

    @property
    def namespace(self) -> str:
        return self.pod.metadata.namespace or ""

    @cached_property
    def labels(self) -> Mapping[str, str]:
        return self.pod.metadata.labels or {}

    @property
    def looks_at_others(self) -> bool:
        """Whether other pods' labels or places decide where it may go."""
        return bool(self.affinity or self.anti_affinity or any(spread.hard for spread in self.spreads))

    @property
    def priority(self) -> int:
        return self.pod.spec.priority or 0

    @property
    def tolerations(self) -> list[core_v1.Toleration]:
        return self.pod.spec.tolerations or []

    @property
    def node_selector(self) -> Mapping[str, str]:
        return self.pod.spec.node_selector or {}


def requests_of(spec: core_v1.PodSpec) -> tuple[dict[str, int], tuple[int, int]]:
    """What the pod asks of a node, and the same for scoring, where a container that asks nothing still counts for something."""
    total = {name: _whole(name, value) for name, value in whole_pod(spec, "requests").items()}
    nonzero_cpu = nonzero_memory = 0
    for container in spec.containers or ():
        asked = (container.resources.requests if container.resources else None) or {}
        nonzero_cpu += amount(CPU, asked[CPU]) if CPU in asked else DEFAULT_MILLI_CPU
        nonzero_memory += amount(MEMORY, asked[MEMORY]) if MEMORY in asked else DEFAULT_MEMORY_BYTES
    return total, (max(nonzero_cpu, total.get(CPU, 0)), max(nonzero_memory, total.get(MEMORY, 0)))


def _whole(resource: str, value: Fraction) -> int:
    return math.ceil(value * 1000) if resource == CPU else math.ceil(value)


def _term(term: core_v1.PodAffinityTerm, namespace: str, labels: Mapping[str, str], weight: int = 0) -> Term:
    selector = from_struct(term.label_selector)
    keys = {key: labels[key] for key in term.match_label_keys or () if key in labels}
    others = {key: labels[key] for key in term.mismatch_label_keys or () if key in labels}
    by_labels = from_struct(term.namespace_selector).matches if term.namespace_selector is not None else None
    own = () if term.namespaces or by_labels is not None else (namespace,)
    matches = _with_keys(selector.matches, keys, others)
    return Term(term.topology_key or "", frozenset([*(term.namespaces or ()), *own]), matches, weight, by_labels)


def _with_keys(matches: Matcher, keys: Mapping[str, str], others: Mapping[str, str] | None = None) -> Matcher:
    """matchLabelKeys: the pod's own values; mismatchLabelKeys: any but those."""
    if not keys and not others:
        return matches
    return lambda labels: (
        matches(labels)
        and all(labels.get(key) == value for key, value in keys.items())
        and all(labels.get(key) != value for key, value in (others or {}).items())
    )


def claims_of(pod: core_v1.Pod) -> tuple[str, ...]:
    """Names of the claims that the pod uses; a generic ephemeral volume's claim is named after the pod."""
    found = []
    for volume in pod.spec.volumes or ():
        if volume.persistent_volume_claim is not None:
            found.append(volume.persistent_volume_claim.claim_name or "")
        elif volume.ephemeral is not None:
            found.append(f"{pod.metadata.name}-{volume.name}")
    return tuple(found)


def facts_of(pod: core_v1.Pod) -> PodFacts:
    spec, namespace, labels = pod.spec, pod.metadata.namespace or "", pod.metadata.labels or {}
    requests, nonzero = requests_of(spec)
    facts = PodFacts(pod, requests, nonzero, claims=claims_of(pod))
    affinity: Any = spec.affinity or core_v1.Affinity()
    if affinity.node_affinity is not None:
        required = affinity.node_affinity.required_during_scheduling_ignored_during_execution
        facts.required_terms = list(required.node_selector_terms or ()) if required else None
        facts.preferred_nodes = list(affinity.node_affinity.preferred_during_scheduling_ignored_during_execution or ())
    for source, hard, sign in ((affinity.pod_affinity, facts.affinity, 1), (affinity.pod_anti_affinity, facts.anti_affinity, -1)):
        if source is None:
            continue
        hard += [_term(t, namespace, labels) for t in source.required_during_scheduling_ignored_during_execution or ()]
        facts.preferred_affinity += [
            _term(w.pod_affinity_term, namespace, labels, sign * (w.weight or 0))
            for w in source.preferred_during_scheduling_ignored_during_execution or ()
        ]
    for constraint in spec.topology_spread_constraints or ():
        keys = {key: labels[key] for key in constraint.match_label_keys or () if key in labels}
        facts.spreads.append(
            Spread(
                constraint.topology_key or "",
                constraint.max_skew or 1,
                constraint.when_unsatisfiable != "ScheduleAnyway",
                _with_keys(from_struct(constraint.label_selector).matches, keys),
                constraint.min_domains or 1,
                constraint.node_affinity_policy != "Ignore",
                constraint.node_taints_policy == "Honor",
            )
        )
    facts.host_ports = frozenset(
        ((port.host_ip or "0.0.0.0"), port.protocol or "TCP", port.host_port)
        for container in [*(spec.containers or ()), *(spec.init_containers or ())]
        for port in container.ports or ()
        if port.host_port
    )
    return facts

"""Where a pod's volumes let it go, and which volumes its waiting claims take there. Pure; reasons are upstream's.

A claim that is bound ties the pod to the nodes from which its volume can be reached. One that waits for its first consumer gets a volume
that suits it and the node, or is left to its class's provisioner, which is told the node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from provisioner.kube.api._generated import core_v1, storage_v1
from provisioner.kube.api.volume_match import BIND_COMPLETED, SELECTED_NODE, asked_of, class_of, find, reachable
from provisioner.kube.scheduler.facts import PodFacts
from provisioner.kube.scheduler.nodes import Mask, Nodes

Claim = core_v1.PersistentVolumeClaim
Volume = core_v1.PersistentVolume
NO_PROVISIONER = "kubernetes.io/no-provisioner"
ONCE_BY_POD = "ReadWriteOncePod"


@dataclass(frozen=True)
class Storage:
    """What there is: claims by namespace/name, volumes and classes by name, all volumes."""

    claim: Callable[[str], Claim | None]
    volume: Callable[[str], Volume | None]
    storage_class: Callable[[str], storage_v1.StorageClass | None]
    volumes: Callable[[], Iterable[Volume]]


@dataclass(frozen=True)
class Needs:
    """`problem` keeps the pod from every node."""

    problem: str = ""
    bound: tuple[Volume, ...] = ()
    waiting: tuple[tuple[Claim, storage_v1.StorageClass], ...] = ()
    exclusive: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """What a waiting claim gets on the chosen node: a volume, or None for the class's provisioner to make one."""

    claim: Claim
    volume: Volume | None


def needs_of(pod: PodFacts, storage: Storage) -> Needs:
    bound, waiting, exclusive = [], [], []
    for name in pod.claims:
        claim = storage.claim(f"{pod.namespace}/{name}")
        if claim is None:
            return Needs(f'persistentvolumeclaim "{name}" not found')
        if claim.status.phase == "Lost":
            return Needs(f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{claim.spec.volume_name}"')
        if claim.metadata.deletion_timestamp is not None:
            return Needs(f'persistentvolumeclaim "{name}" is being deleted')
        if ONCE_BY_POD in (claim.spec.access_modes or ()):
            exclusive.append(f"{pod.namespace}/{name}")
        if claim.spec.volume_name and BIND_COMPLETED in (claim.metadata.annotations or {}):
            volume = storage.volume(claim.spec.volume_name)
            if volume is None:
                return Needs(f'persistentvolume "{claim.spec.volume_name}" not found')
            bound.append(volume)
            continue
        of = storage.storage_class(class_of(claim))
        if of is None or of.volume_binding_mode != "WaitForFirstConsumer" or claim.spec.volume_name:
            return Needs("pod has unbound immediate PersistentVolumeClaims")
        waiting.append((claim, of))
    return Needs("", tuple(bound), tuple(waiting), tuple(exclusive))


def fixed_masks(needs: Needs, nodes: Nodes, storage: Storage) -> list[tuple[Mask, str]]:
    """What no preemption changes."""
    found = []
    if needs.bound:
        there = _mask(nodes, lambda node: all(reachable(volume, node) for volume in needs.bound))
        found.append((there, "node(s) didn't match PersistentVolume's node affinity"))
    if needs.waiting:
        found.append(
            (
                _mask(nodes, lambda node: choose(needs, node, storage) is not None),
                "node(s) didn't find available persistent volumes to bind",
            )
        )
    return found


def exclusive_mask(needs: Needs, nodes: Nodes) -> list[tuple[Mask, str]]:
    """A claim of access mode ReadWriteOncePod has one pod; where that pod is, preempting it may help."""
    used = {f"{p.namespace}/{name}": row for row, pods in enumerate(nodes.pods) for p in pods.values() for name in p.claims}
    rows = {used[key] for key in needs.exclusive if key in used}
    if not rows:
        return []
    text = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    return [(np.zeros(nodes.size, dtype=np.bool_), text)]


def _mask(nodes: Nodes, lets: Callable[[core_v1.Node], bool]) -> Mask:
    return np.fromiter((node is not None and lets(node) for node in nodes.nodes), dtype=np.bool_, count=nodes.size)


def choose(needs: Needs, node: core_v1.Node, storage: Storage) -> list[Choice] | None:
    """What the waiting claims get on a node, the smallest first, as upstream; None where one gets nothing."""
    chosen: list[Choice] = []
    taken: set[str] = set()
    for claim, of in sorted(needs.waiting, key=lambda pair: asked_of(pair[0])):
        selected = (claim.metadata.annotations or {}).get(SELECTED_NODE)
        if selected and selected != node.metadata.name:
            return None
        volume = find(claim, storage.volumes(), node=node, taken=frozenset(taken))
        if volume is not None:
            taken.add(volume.metadata.name or "")
        elif (of.provisioner or NO_PROVISIONER) == NO_PROVISIONER or not _allows(of, node):
            return None
        chosen.append(Choice(claim, volume))
    return chosen


def _allows(of: storage_v1.StorageClass, node: core_v1.Node) -> bool:
    """allowedTopologies: any of the terms, each with all its keys."""
    labels = node.metadata.labels or {}
    terms = of.allowed_topologies or []
    return not terms or any(all(labels.get(e.key or "") in (e.values or ()) for e in t.match_label_expressions or ()) for t in terms)

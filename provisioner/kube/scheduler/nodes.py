"""The cluster as columns: one row a node, one column a resource; and which pods are where.

A node keeps its row while it lives; a freed row is used again. Growing doubles the arrays, so a row costs its resources' 8 bytes each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from provisioner.kube.api._generated import core_v1
from provisioner.kube.scheduler.facts import CPU, MEMORY, PODS, PodFacts, amount

Mask = NDArray[np.bool_]
Vector = NDArray[np.float64]
UNSCHEDULABLE = core_v1.Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")


class Nodes:
    """All nodes. Only its owner (the scheduling loop) changes it, and only through these methods."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.names: list[str | None] = []
        self.nodes: list[core_v1.Node | None] = []
        self.labels: list[Mapping[str, str]] = []
        self.taints: list[tuple[core_v1.Taint, ...]] = []
        self.pods: list[dict[str, PodFacts]] = []
        self.ports: list[set[tuple[str, str, int]]] = []
        self._columns: dict[str, int] = {CPU: 0, MEMORY: 1, PODS: 2}
        self._allocatable = np.zeros((8, 3), dtype=np.int64)
        self._requested = np.zeros((8, 3), dtype=np.int64)
        self._nonzero = np.zeros((8, 2), dtype=np.int64)
        self._present = np.zeros(8, dtype=np.bool_)
        self._free: list[int] = []
        # pods with anti-affinity, which every placement must respect: uid -> (row, facts)
        self.with_anti_affinity: dict[str, tuple[int, PodFacts]] = {}
        # pods that would be, or have to be, near others: uid -> (row, facts)
        self.with_affinity: dict[str, tuple[int, PodFacts]] = {}
        # the labels of each namespace, which terms with a namespaceSelector ask for
        self.namespaces: dict[str, Mapping[str, str]] = {}
        self.version = 0

    @property
    def size(self) -> int:
        return len(self.names)

    @property
    def present(self) -> Mask:
        return self._present[: self.size]

    def column(self, resource: str) -> int | None:
        return self._columns.get(resource)

    def allocatable(self, resource: str) -> NDArray[np.int64]:
        return self._allocatable[: self.size, self._columns[resource]]

    def requested(self, resource: str) -> NDArray[np.int64]:
        return self._requested[: self.size, self._columns[resource]]

    def nonzero(self) -> NDArray[np.int64]:
        """Requests for scoring: cpu (millicores) and memory (bytes)."""
        return self._nonzero[: self.size]

    def _row(self, name: str) -> int:
        if name in self.rows:
            return self.rows[name]
        if self._free:
            row = self._free.pop()
        else:
            row = self.size
            self.names.append(None)
            self.nodes.append(None)
            self.labels.append({})
            self.taints.append(())
            self.pods.append({})
            self.ports.append(set())
            if row >= len(self._present):
                self._grow()
        self.rows[name], self.names[row] = row, name
        return row

    def _grow(self) -> None:
        for name in ("_allocatable", "_requested", "_nonzero", "_present"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros_like(old)]))

    def _ensure_columns(self, resources: Iterable[str]) -> None:
        for resource in resources:
            if resource not in self._columns:
                self._columns[resource] = self._allocatable.shape[1]
                empty = np.zeros((len(self._present), 1), dtype=np.int64)
                self._allocatable = np.hstack([self._allocatable, empty])
                self._requested = np.hstack([self._requested, empty])

    def put(self, node: core_v1.Node) -> None:
        """A node is new or has changed."""
        row = self._row(node.metadata.name or "")
        self.version += 1
        self.nodes[row] = node
        self.labels[row] = node.metadata.labels or {}
        taints = tuple(node.spec.taints or ())
        if node.spec.unschedulable and not any(t.key == UNSCHEDULABLE.key for t in taints):
            taints += (UNSCHEDULABLE,)
        self.taints[row] = taints
        available = node.status.allocatable or node.status.capacity or {}
        self._ensure_columns(available)
        self._allocatable[row] = 0
        for resource, value in available.items():
            self._allocatable[row, self._columns[resource]] = amount(resource, value)
        self._present[row] = True

    def remove(self, name: str) -> None:
        """A node is gone. Its pods stay accounted for until they are removed themselves."""
        row = self.rows.get(name)
        if row is None:
            return
        self.version += 1
        self._present[row] = False
        self.nodes[row] = None
        self.labels[row], self.taints[row] = {}, ()
        self._release(row)

    def _release(self, row: int) -> None:
        if self.nodes[row] is None and not self.pods[row]:
            name = self.names[row]
            if name is not None:
                del self.rows[name]
            self.names[row] = None
            self._allocatable[row] = 0
            self._requested[row] = 0
            self._nonzero[row] = 0
            self._free.append(row)

    def place(self, facts: PodFacts, node_name: str) -> None:
        """A pod is on a node (bound, or assumed to be). Placing it again replaces what was known of it."""
        row = self._row(node_name)
        if facts.uid in self.pods[row]:
            self.take_away(self.pods[row][facts.uid], node_name)
            row = self._row(node_name)
        self.pods[row][facts.uid] = facts
        self._account(row, facts, 1)
        self.ports[row] |= facts.host_ports
        if facts.anti_affinity:
            self.with_anti_affinity[facts.uid] = (row, facts)
        if facts.affinity or facts.preferred_affinity:
            self.with_affinity[facts.uid] = (row, facts)
        self.version += 1

    def take_away(self, facts: PodFacts, node_name: str) -> None:
        """A pod is no longer on a node."""
        row = self.rows.get(node_name)
        if row is None or (held := self.pods[row].pop(facts.uid, None)) is None:
            return
        self._account(row, held, -1)
        if held.host_ports:
            self.ports[row] = {port for other in self.pods[row].values() for port in other.host_ports}
        self.with_anti_affinity.pop(facts.uid, None)
        self.with_affinity.pop(facts.uid, None)
        self.version += 1
        self._release(row)

    def _account(self, row: int, facts: PodFacts, sign: int) -> None:
        self._ensure_columns(facts.requests)
        for resource, value in facts.requests.items():
            self._requested[row, self._columns[resource]] += sign * value
        self._requested[row, self._columns[PODS]] += sign
        self._nonzero[row] += np.array(facts.nonzero, dtype=np.int64) * sign

"""DaemonSet: one pod on each node that should have it, replaced as the template changes. What goes where is decided in daemon_placement."""

from __future__ import annotations

import asyncio

import msgspec

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import controller_of
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.client.informer import key_of
from provisioner.kube.controllers.claims import claim
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.daemon_placement import HASH, Plan, decide, status_of, tolerations_of
from provisioner.kube.controllers.expectations import Expectations
from provisioner.kube.controllers.history import ensure_revision, forget_old, hashes_of_equals, owned_revisions
from provisioner.kube.controllers.pod_control import create_pod, delete_pod, namespace_is_going, slow_start
from provisioner.kube.controllers.pods import is_ready, pod_from_template

KIND = "DaemonSet"
# Upstream's back-off of failed daemon pods on one node: 1 s, 2 s, … 15 min.
FIRST_BACKOFF_S = 1.0
MAX_BACKOFF_S = 900.0


class DaemonSets(Controller):
    name = "daemonset"

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._sets = self.watch(apps_v1.DaemonSet)
        self._nodes = self.informers.get(core_v1.Node)
        self._pods = self.informers.get(core_v1.Pod)
        self._revisions = self.informers.get(apps_v1.ControllerRevision)
        self._expectations = Expectations(self.clock)
        self._revisions.on_change(lambda revision: self.enqueue_owner(KIND, revision))
        # (set's uid, node) -> (failures in a row, when the last one was replaced)
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}
        self._nodes.add_handler(self._node_changed, self._node_updated, self._node_changed)
        self._pods.add_handler(self._pod_added, self._pod_updated, self._pod_gone)

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
        if owner is not None and owner.kind == KIND:
            self._expectations.created(f"{pod.metadata.namespace}/{owner.name}")
        self._enqueue_for(pod)

    def _pod_updated(self, old: core_v1.Pod, pod: core_v1.Pod) -> None:
        owner = controller_of(pod)
        if pod.metadata.deletion_timestamp is not None and owner is not None and owner.kind == KIND:
            self._expectations.deleted(f"{pod.metadata.namespace}/{owner.name}", key_of(pod))
        self.enqueue_owner(KIND, old)
        self._enqueue_for(pod)

    def _pod_gone(self, pod: core_v1.Pod) -> None:
        owner = controller_of(pod)
        if owner is not None and owner.kind == KIND:
            self._expectations.deleted(f"{pod.metadata.namespace}/{owner.name}", key_of(pod))
        self.enqueue_owner(KIND, pod)

    def _enqueue_for(self, pod: core_v1.Pod) -> None:
        """Its set; without a controller all that it would fit."""
        if controller_of(pod) is not None:
            self.enqueue_owner(KIND, pod)
            return
        for ds in self._sets.store.list(pod.metadata.namespace):
            if from_struct(ds.spec.selector).matches(pod.metadata.labels):
                self.enqueue(ds)

    async def reconcile(self, key: str) -> float | None:
        ds: apps_v1.DaemonSet | None = self._sets.store.get(key)
        if ds is None:
            self._expectations.forget(key)
            return None
        pods = await claim(self, ds, self._pods.store.list(ds.metadata.namespace))
        if ds.metadata.deletion_timestamp is not None:
            return None
        revisions = await owned_revisions(self, self._revisions.store, ds)
        try:
            revision, collisions = await ensure_revision(self, ds, revisions, HASH, ds.status.collision_count or 0)
        except StatusError as error:
            if namespace_is_going(error):
                return None
            raise
        digest = (revision.metadata.labels or {}).get(HASH, "")
        pods = await self._relabelled(pods, hashes_of_equals(revisions, revision, HASH) - {digest}, digest)
        nodes, wait_s, failure = self._nodes.store.list(), None, None
        if self._expectations.fulfilled(key):
            wait_s, failure = await self._carry_out(ds, key, decide(ds, nodes, pods, digest, self.clock.now()), digest)
        status = status_of(ds, nodes, pods, digest, collisions, self.clock.now())
        if status != ds.status:
            await self.client.update_status(msgspec.structs.replace(ds, status=status))
        live = {revision.metadata.name or "", *(f"{ds.metadata.name}-{(p.metadata.labels or {}).get(HASH)}" for p in pods)}
        await forget_old(self, revisions, live, ds.spec.revision_history_limit)
        if failure is not None:
            raise failure
        if ds.spec.min_ready_seconds and any(map(is_ready, pods)) and status.number_unavailable:
            wait_s = min(wait_s or MAX_BACKOFF_S, float(ds.spec.min_ready_seconds))
        return wait_s

    async def _relabelled(self, pods: list[core_v1.Pod], equal: set[str], digest: str) -> list[core_v1.Pod]:
        """Pods of a revision that is there twice belong to the newer one."""
        found = []
        for pod in pods:
            if (pod.metadata.labels or {}).get(HASH) in equal:
                body = {"metadata": {"uid": pod.metadata.uid, "labels": {HASH: digest}}}
                pod = await self.client.patch(core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, body=body)
            found.append(pod)
        return found

    async def _carry_out(self, ds: apps_v1.DaemonSet, key: str, plan: Plan, digest: str) -> tuple[float | None, StatusError | None]:
        """(when a failed pod may be replaced that may not be yet, why a pod was not made)."""
        wait_s, held = self._hold_back(ds, plan)
        going = [p for p in plan.delete if p.metadata.uid not in held]
        if going:
            self._expectations.expect_deletions(key, {key_of(p) for p in going})
            results = await asyncio.gather(*(delete_pod(self, ds, pod) for pod in going))
            for pod, taken in zip(going, results, strict=True):
                if not taken:
                    self._expectations.deleted(key, key_of(pod))
        if not plan.create:
            return wait_s, None
        self._expectations.expect_more_creations(key, len(plan.create))
        missed, error = await slow_start(len(plan.create), lambda n: create_pod(self, ds, _pod(ds, plan.create[n], digest)))
        for _ in range(missed):
            self._expectations.created(key)
        return wait_s, error

    def _hold_back(self, ds: apps_v1.DaemonSet, plan: Plan) -> tuple[float | None, set[str | None]]:
        """Failed pods are replaced after a back-off for each node; uids of those whose time has not come."""
        waits, held = [], set()
        for pod in plan.failed:
            node, now = pod.spec.node_name or "", self.clock.monotonic()
            count, last = self._failures.get((ds.metadata.uid or "", node), (0, -2 * MAX_BACKOFF_S))
            if now - last > 2 * MAX_BACKOFF_S:
                count = 0
            left = min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** (count - 1)) - (now - last) if count else 0.0
            if left > 0:
                waits.append(left)
                held.add(pod.metadata.uid)
                continue
            self._failures[ds.metadata.uid or "", node] = (count + 1, now)
            text = f"Found failed daemon pod {pod.metadata.namespace}/{pod.metadata.name} on node {node}, will try to kill it"
            self.recorder.event(ds, "Warning", "FailedDaemonPod", text)
        return min(waits, default=None), held


def _pod(ds: apps_v1.DaemonSet, node: str, digest: str) -> core_v1.Pod:
    assert ds.spec.template is not None
    pod = pod_from_template(ds.spec.template, ds)
    requirement = core_v1.NodeSelectorRequirement(key="metadata.name", operator="In", values=[node])
    affinity = pod.spec.affinity or core_v1.Affinity()
    of_node = affinity.node_affinity or core_v1.NodeAffinity()
    # Conditions of the template on the node were looked at already: the node's name is all that is left of them.
    required = core_v1.NodeSelector(node_selector_terms=[core_v1.NodeSelectorTerm(match_fields=[requirement])])
    of_node = msgspec.structs.replace(of_node, required_during_scheduling_ignored_during_execution=required)
    affinity = msgspec.structs.replace(affinity, node_affinity=of_node)
    pod.spec = msgspec.structs.replace(pod.spec, affinity=affinity, tolerations=tolerations_of(pod.spec))
    generation = (ds.metadata.annotations or {}).get("deprecated.daemonset.template.generation", str(ds.metadata.generation or 1))
    pod.metadata.labels = {**(pod.metadata.labels or {}), HASH: digest, "pod-template-generation": generation}
    return pod

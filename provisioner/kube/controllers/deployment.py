"""Deployment: a replica set for each template, and the way from one to the next."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provisioner.kube.api._generated import apps_v1, core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import condition, controller_of, owner_reference, parse_time
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.controllers import rollout
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.rollout import DESIRED, HISTORY, MAX, REVISION, wanted_of
from provisioner.kube.controllers.template_hash import LABEL, same_template, template_hash

log = logging.getLogger(__name__)

# Annotations that belong to the deployment itself and not to its sets.
OWN_ANNOTATIONS = {"kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, DESIRED, MAX, "deprecated.deployment.rollback.to"}
# Upstream's: a set that is gone back to often forgets the oldest of its revisions.
HISTORY_CHARS = 2000


@dataclass(frozen=True)
class Counts:
    replicas: int
    updated: int
    ready: int
    available: int


def counts_of(sets: list[apps_v1.ReplicaSet], new: apps_v1.ReplicaSet | None) -> Counts:
    return Counts(
        sum(rs.status.replicas or 0 for rs in sets),
        (new.status.replicas or 0) if new is not None else 0,
        sum(rs.status.ready_replicas or 0 for rs in sets),
        sum(rs.status.available_replicas or 0 for rs in sets),
    )


def is_complete(deployment: apps_v1.Deployment, counts: Counts) -> bool:
    wanted = deployment.spec.replicas or 0
    observed = (deployment.status.observed_generation or 0) >= (deployment.metadata.generation or 0)
    return counts.updated == wanted and counts.replicas == wanted and counts.available == wanted and observed


def revision_of(obj: Any) -> int:
    text = (obj.metadata.annotations or {}).get(REVISION) or "0"
    return int(text) if text.isdigit() else 0


def find_new(deployment: apps_v1.Deployment, sets: list[apps_v1.ReplicaSet]) -> apps_v1.ReplicaSet | None:
    """The oldest set with the deployment's template."""
    same = [rs for rs in sets if same_template(rs.spec.template, deployment.spec.template)]
    return min(same, key=lambda rs: rs.metadata.creation_timestamp or "") if same else None


def annotations_behind(deployment: apps_v1.Deployment, new: apps_v1.ReplicaSet, revision: int) -> dict[str, str]:
    """What the present set's annotations lack: the deployment's own (kubernetes.io/change-cause), and a revision of at least `revision`."""
    there = new.metadata.annotations or {}
    wanted = {k: v for k, v in (deployment.metadata.annotations or {}).items() if k not in OWN_ANNOTATIONS}
    before = revision_of(new)
    if before < revision:
        wanted[REVISION] = str(revision)
        if before:
            kept = [*filter(None, there.get(HISTORY, "").split(",")), str(before)]
            while len(",".join(kept)) > HISTORY_CHARS:
                kept.pop(0)
            wanted[HISTORY] = ",".join(kept)
    return {key: value for key, value in wanted.items() if there.get(key) != value}


def with_condition(
    conditions: list[apps_v1.DeploymentCondition] | None,
    type_: str,
    status: str,
    reason: str,
    message: str,
    now: str,
    *,
    touch: bool = False,
) -> list[apps_v1.DeploymentCondition]:
    """The conditions with one set; its transition time moves only when its status does, its update time when anything does."""
    old = condition(conditions, type_)
    rest = [c for c in conditions or () if c.type != type_]
    if old is not None and old.status == status and old.reason == reason and not touch:
        return list(conditions or ())
    since = old.last_transition_time if old is not None and old.status == status else now
    return [
        *rest,
        apps_v1.DeploymentCondition(
            type=type_, status=status, reason=reason, message=message, last_update_time=now, last_transition_time=since
        ),
    ]


def status_of(
    deployment: apps_v1.Deployment, sets: list[apps_v1.ReplicaSet], new: apps_v1.ReplicaSet | None, now: datetime
) -> apps_v1.DeploymentStatus:
    counts = counts_of(sets, new)
    wanted = deployment.spec.replicas or 0
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    minimum = wanted - rollout.bounds_of(deployment).unavailable
    conditions = deployment.status.conditions
    if counts.available >= minimum:
        conditions = with_condition(
            conditions, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", stamp
        )
    else:
        text = "Deployment does not have minimum availability."
        conditions = with_condition(conditions, "Available", "False", "MinimumReplicasUnavailable", text, stamp)
    conditions = _progress(deployment, counts, new, conditions, now)
    failures = [c for rs in sets for c in rs.status.conditions or () if c.type == "ReplicaFailure"]
    if failures:
        f = failures[0]
        conditions = with_condition(conditions, "ReplicaFailure", f.status or "True", f.reason or "", f.message or "", stamp)
    else:
        conditions = [c for c in conditions or () if c.type != "ReplicaFailure"]
    return apps_v1.DeploymentStatus(
        observed_generation=deployment.metadata.generation,
        replicas=counts.replicas or None,
        updated_replicas=counts.updated or None,
        ready_replicas=counts.ready or None,
        available_replicas=counts.available or None,
        unavailable_replicas=max(0, sum(wanted_of(rs) for rs in sets) - counts.available) or None,
        terminating_replicas=sum(rs.status.terminating_replicas or 0 for rs in sets) or None,
        collision_count=deployment.status.collision_count,
        conditions=conditions,
    )


def _progress(
    deployment: apps_v1.Deployment,
    counts: Counts,
    new: apps_v1.ReplicaSet | None,
    conditions: list[apps_v1.DeploymentCondition] | None,
    now: datetime,
) -> list[apps_v1.DeploymentCondition]:
    """The Progressing condition: moving, through, paused, or stuck for longer than progressDeadlineSeconds."""
    name = f'ReplicaSet "{new.metadata.name}"' if new is not None else f'Deployment "{deployment.metadata.name}"'
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    known = condition(conditions, "Progressing")
    if deployment.spec.paused:
        return with_condition(conditions, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", stamp)
    if is_complete(deployment, counts):
        return with_condition(conditions, "Progressing", "True", "NewReplicaSetAvailable", f"{name} has successfully progressed.", stamp)
    old = deployment.status
    moved = (
        counts.updated != (old.updated_replicas or 0)
        or counts.replicas - counts.updated < (old.replicas or 0) - (old.updated_replicas or 0)
        or counts.ready > (old.ready_replicas or 0)
        or counts.available > (old.available_replicas or 0)
    )
    if known is None or moved or known.reason in ("NewReplicaSetAvailable", "DeploymentPaused"):
        return with_condition(conditions, "Progressing", "True", "ReplicaSetUpdated", f"{name} is progressing.", stamp, touch=moved)
    since = parse_time(known.last_update_time)
    deadline = deployment.spec.progress_deadline_seconds
    if deadline and since is not None and (now - since).total_seconds() > deadline:
        return with_condition(conditions, "Progressing", "False", "ProgressDeadlineExceeded", f"{name} has timed out progressing.", stamp)
    return list(conditions or ())


class DeploymentController(Controller):
    name = "deployment"
    workers = 5

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._deployments = self.watch(apps_v1.Deployment)
        self._sets = self.informers.get(apps_v1.ReplicaSet)
        self._sets.on_change(self._set_changed)
        self._pods = self.informers.get(core_v1.Pod)
        self._pods.add_handler(on_delete=self._pod_gone)

    def _set_changed(self, rs: apps_v1.ReplicaSet) -> None:
        """Its deployment; without a controller those that would have it."""
        self.enqueue_owner("Deployment", rs)
        if controller_of(rs) is None:
            for deployment in self._deployments.store.list(rs.metadata.namespace):
                if from_struct(deployment.spec.selector).matches(rs.metadata.labels):
                    self.enqueue(deployment)

    def _pod_gone(self, pod: core_v1.Pod) -> None:
        """A Recreate deployment waits for its old pods to be gone."""
        owner = controller_of(pod)
        if owner is not None and owner.kind == "ReplicaSet":
            rs = self._sets.store.get(f"{pod.metadata.namespace}/{owner.name}")
            if rs is not None:
                self.enqueue_owner("Deployment", rs)

    async def reconcile(self, key: str) -> float | None:
        deployment: apps_v1.Deployment | None = self._deployments.store.get(key)
        if deployment is None:
            return None
        sets = await self._owned(deployment)
        new = find_new(deployment, sets)
        if deployment.metadata.deletion_timestamp is not None:
            return await self._write_status(deployment, sets, new)
        if deployment.spec.paused or rollout.is_scaling(deployment, sets):
            await self._scale_in_proportion(deployment, sets)
            return await self._write_status(deployment, sets, new)
        recreate = deployment.spec.strategy is not None and deployment.spec.strategy.type == "Recreate"
        old = [rs for rs in sets if new is None or rs.metadata.uid != new.metadata.uid]
        if recreate and (any(wanted_of(rs) for rs in old) or self._pods_of(old)):
            for rs in old:
                await self._resize(deployment, rs, 0)
            return await self._write_status(deployment, sets, new)
        new = await self._ensure_new(deployment, new, old)
        if new is None:
            return 1.0
        sets = [*old, new]
        size = rollout.grow_new(deployment, new, sets)
        if not await self._resize(deployment, new, size):
            for name, wanted in rollout.shrink_old(deployment, new, old).items():
                rs = next(r for r in old if r.metadata.name == name)
                await self._resize(deployment, rs, wanted)
        counts = counts_of(sets, new)
        if is_complete(deployment, counts):
            await self._clean_up(deployment, old)
        return await self._write_status(deployment, sets, new)

    def _pods_of(self, sets: list[apps_v1.ReplicaSet]) -> bool:
        uids = {rs.metadata.uid for rs in sets}
        for pod in self._pods.store.list(sets[0].metadata.namespace) if sets else ():
            owner = controller_of(pod)
            if owner is not None and owner.uid in uids and pod.status.phase not in ("Succeeded", "Failed"):
                return True
        return False

    async def _owned(self, deployment: apps_v1.Deployment) -> list[apps_v1.ReplicaSet]:
        """Our replica sets; ones that match and have no controller become ours, ours that don't match any more are let go."""
        selector = from_struct(deployment.spec.selector)
        found = []
        for rs in self._sets.store.list(deployment.metadata.namespace):
            owner = controller_of(rs)
            going = rs.metadata.deletion_timestamp is not None or deployment.metadata.deletion_timestamp is not None
            matches = selector.matches(rs.metadata.labels)
            if owner is not None and owner.uid == deployment.metadata.uid and not matches and not going:
                await self._owners(rs, [{"$patch": "delete", "uid": deployment.metadata.uid}])
            elif owner is not None and owner.uid == deployment.metadata.uid:
                # A copy: what is resized below must not change what the informer shares.
                found.append(copy.copy(rs))
            elif owner is None and matches and not going:
                found.append(await self._owners(rs, [owner_reference(deployment)]))
        return found

    async def _owners(self, rs: apps_v1.ReplicaSet, references: list[Any]) -> apps_v1.ReplicaSet:
        body = {"metadata": {"uid": rs.metadata.uid, "ownerReferences": references}}
        return await self.client.patch(apps_v1.ReplicaSet, rs.metadata.name or "", rs.metadata.namespace, body=body, patch_type="strategic")

    async def _ensure_new(
        self, deployment: apps_v1.Deployment, new: apps_v1.ReplicaSet | None, old: list[apps_v1.ReplicaSet]
    ) -> apps_v1.ReplicaSet | None:
        """The set of the present template, made if it isn't there, with the highest revision."""
        revision = max((revision_of(rs) for rs in old), default=0) + 1
        if new is not None:
            notes, least = annotations_behind(deployment, new, revision), deployment.spec.min_ready_seconds or 0
            if notes or (new.spec.min_ready_seconds or 0) != least:
                body: dict[str, Any] = {"metadata": {"annotations": notes}, "spec": {"minReadySeconds": least}}
                new = await self.client.patch(apps_v1.ReplicaSet, new.metadata.name or "", new.metadata.namespace, body=body)
            await self._note_revision(deployment, revision_of(new))
            return new
        collisions = deployment.status.collision_count or 0
        digest = template_hash(deployment.spec.template, collisions)
        made = self._new_set(deployment, digest, revision, old)
        try:
            created = await self.client.create(made)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                self.recorder.event(deployment, "Warning", "ReplicaSetCreateError", f"Failed to create new replica set: {error.message}")
                raise
            present = await self.client.get(apps_v1.ReplicaSet, made.metadata.name or "", made.metadata.namespace)
            owner = controller_of(present)
            if (
                owner is not None
                and owner.uid == deployment.metadata.uid
                and same_template(present.spec.template, deployment.spec.template)
            ):
                return present
            await self.changed(deployment, {"status": {"collisionCount": collisions + 1}}, status=True)
            return None
        if created.spec.replicas:
            self.recorder.event(
                deployment,
                "Normal",
                "ScalingReplicaSet",
                f"Scaled up replica set {created.metadata.name} from 0 to {created.spec.replicas}",
            )
        await self._note_revision(deployment, revision)
        return created

    def _new_set(self, deployment: apps_v1.Deployment, digest: str, revision: int, old: list[apps_v1.ReplicaSet]) -> apps_v1.ReplicaSet:
        spec, template = deployment.spec, deployment.spec.template or core_v1.PodTemplateSpec()
        metadata = template.metadata or meta_v1.ObjectMeta()
        labels = {**(metadata.labels or {}), LABEL: digest}
        selector = spec.selector or meta_v1.LabelSelector()
        kept = {k: v for k, v in (deployment.metadata.annotations or {}).items() if k not in OWN_ANNOTATIONS}
        wanted = spec.replicas or 0
        made = apps_v1.ReplicaSet(
            metadata=meta_v1.ObjectMeta(
                name=f"{deployment.metadata.name}-{digest}",
                namespace=deployment.metadata.namespace,
                labels=labels,
                annotations={**kept, REVISION: str(revision), DESIRED: str(wanted), MAX: str(wanted + rollout.bounds_of(deployment).surge)},
                owner_references=[owner_reference(deployment)],
            ),
            spec=apps_v1.ReplicaSetSpec(
                replicas=0,
                min_ready_seconds=spec.min_ready_seconds,
                selector=meta_v1.LabelSelector(
                    match_labels={**(selector.match_labels or {}), LABEL: digest}, match_expressions=selector.match_expressions
                ),
                template=core_v1.PodTemplateSpec(
                    metadata=meta_v1.ObjectMeta(labels=labels, annotations=metadata.annotations, finalizers=metadata.finalizers),
                    spec=template.spec,
                ),
            ),
        )
        made.spec.replicas = rollout.grow_new(deployment, made, [*old, made])
        return made

    async def _note_revision(self, deployment: apps_v1.Deployment, revision: int) -> None:
        if revision_of(deployment) != revision:
            await self.changed(deployment, {"metadata": {"annotations": {REVISION: str(revision)}}})

    async def _resize(self, deployment: apps_v1.Deployment, rs: apps_v1.ReplicaSet, size: int) -> bool:
        """Whether the set had another size."""
        wanted = deployment.spec.replicas or 0
        notes = {DESIRED: str(wanted), MAX: str(wanted + rollout.bounds_of(deployment).surge)}
        before = wanted_of(rs)
        annotations = rs.metadata.annotations or {}
        if before == size and all(annotations.get(k) == v for k, v in notes.items()):
            return False
        body: dict[str, Any] = {"metadata": {"annotations": notes}, "spec": {"replicas": size}}
        updated = await self.client.patch(apps_v1.ReplicaSet, rs.metadata.name or "", rs.metadata.namespace, body=body)
        rs.spec, rs.metadata = updated.spec, updated.metadata
        if before != size:
            way = "up" if size > before else "down"
            self.recorder.event(
                deployment, "Normal", "ScalingReplicaSet", f"Scaled {way} replica set {rs.metadata.name} from {before} to {size}"
            )
        return before != size

    async def _scale_in_proportion(self, deployment: apps_v1.Deployment, sets: list[apps_v1.ReplicaSet]) -> None:
        active = [rs for rs in sets if wanted_of(rs) > 0]
        if len(active) == 1:
            await self._resize(deployment, active[0], deployment.spec.replicas or 0)
            return
        latest = find_new(deployment, sets)
        if not active and latest is not None:
            await self._resize(deployment, latest, deployment.spec.replicas or 0)
            return
        for name, size in rollout.in_proportion(deployment, sets).items():
            await self._resize(deployment, next(r for r in sets if r.metadata.name == name), size)

    async def _clean_up(self, deployment: apps_v1.Deployment, old: list[apps_v1.ReplicaSet]) -> None:
        """Keep revisionHistoryLimit old sets to go back to."""
        limit = deployment.spec.revision_history_limit
        if limit is None:
            return
        empty = [rs for rs in old if not wanted_of(rs) and not (rs.status.replicas or 0) and rs.metadata.deletion_timestamp is None]
        for rs in sorted(empty, key=revision_of)[: max(0, len(empty) - limit)]:
            try:
                await self.client.delete(apps_v1.ReplicaSet, rs.metadata.name or "", rs.metadata.namespace, uid=rs.metadata.uid)
            except StatusError as error:
                if error.code != 404:
                    raise

    async def _write_status(
        self, deployment: apps_v1.Deployment, sets: list[apps_v1.ReplicaSet], new: apps_v1.ReplicaSet | None
    ) -> float | None:
        status = status_of(deployment, sets, new, self.clock.now())
        if status != deployment.status:
            await self.client.update_status(apps_v1.Deployment(metadata=deployment.metadata, spec=deployment.spec, status=status))
        stuck = condition(status.conditions, "Progressing")
        if stuck is not None and stuck.reason == "ReplicaSetUpdated" and deployment.spec.progress_deadline_seconds:
            return float(deployment.spec.progress_deadline_seconds) + 1
        return None

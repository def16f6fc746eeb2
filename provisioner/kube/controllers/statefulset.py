"""StatefulSet: pods with a number and a name of their own, each with its claims, made and replaced in order."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from provisioner.kube.api._generated import apps_v1, core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import controller_of, owner_reference
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.controllers import ordinals
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.history import ensure_revision, forget_old, owned_revisions, template_of
from provisioner.kube.controllers.ordinal_claims import claim_name, numbered_claim, owners_of
from provisioner.kube.controllers.ordinals import ordinal_of, revision_of
from provisioner.kube.controllers.pod_control import namespace_is_going
from provisioner.kube.controllers.pods import controlled_by, is_ready, pod_from_template

KIND = "StatefulSet"
HASH = "controller.kubernetes.io/hash"


def numbered_pod(sts: apps_v1.StatefulSet, template: core_v1.PodTemplateSpec, number: int, revision: str) -> core_v1.Pod:
    """The pod with this number, of a revision's template."""
    pod = pod_from_template(template, sts)
    name = f"{sts.metadata.name}-{number}"
    pod.metadata.generate_name, pod.metadata.name = None, name
    pod.metadata.labels = {
        **(pod.metadata.labels or {}),
        ordinals.REVISION: revision,
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(number),
    }
    claims = {
        t.metadata.name: core_v1.Volume(
            name=t.metadata.name,
            persistent_volume_claim=core_v1.PersistentVolumeClaimVolumeSource(claim_name=claim_name(t, name)),
        )
        for t in sts.spec.volume_claim_templates or ()
    }
    volumes = [*claims.values(), *(v for v in pod.spec.volumes or () if v.name not in claims)]
    pod.spec = msgspec.structs.replace(pod.spec, hostname=name, subdomain=sts.spec.service_name or None, volumes=volumes or None)
    return pod


class StatefulSets(Controller):
    name = "statefulset"
    workers = 5

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._sets = self.watch(apps_v1.StatefulSet)
        self._pods = self.informers.get(core_v1.Pod)
        self._claims = self.informers.get(core_v1.PersistentVolumeClaim)
        self._revisions = self.informers.get(apps_v1.ControllerRevision)
        self._pods.add_handler(self._pod_added, self._pod_updated, lambda pod: self.enqueue_owner(KIND, pod))

    def _pod_added(self, pod: core_v1.Pod) -> None:
        self.enqueue_owner(KIND, pod)
        if controller_of(pod) is None:
            self._enqueue_matching(pod)

    def _pod_updated(self, old: core_v1.Pod, pod: core_v1.Pod) -> None:
        self.enqueue_owner(KIND, old)
        self.enqueue_owner(KIND, pod)
        if controller_of(pod) is None and (old.metadata.labels != pod.metadata.labels or controller_of(old) is not None):
            self._enqueue_matching(pod)

    def _enqueue_matching(self, pod: core_v1.Pod) -> None:
        for sts in self._sets.store.list(pod.metadata.namespace):
            if (
                from_struct(sts.spec.selector).matches(pod.metadata.labels)
                and ordinal_of(sts.metadata.name, pod.metadata.name or "") is not None
            ):
                self.enqueue(sts)

    async def reconcile(self, key: str) -> float | None:
        sts: apps_v1.StatefulSet | None = self._sets.store.get(key)
        if sts is None or sts.metadata.deletion_timestamp is not None:
            return None
        revisions = await owned_revisions(self, self._revisions.store, sts)
        try:
            update, collisions = await ensure_revision(self, sts, revisions, HASH, sts.status.collision_count or 0)
        except StatusError as error:
            if namespace_is_going(error):
                return None
            raise
        current = next((r for r in revisions if r.metadata.name == sts.status.current_revision), update)
        names = current.metadata.name or "", update.metadata.name or ""
        pods = await self._owned(sts)
        numbered = {n: p for p in pods if (n := ordinal_of(sts.metadata.name or "", p.metadata.name or "")) is not None}
        for pod in numbered.values():
            await self._tend_claims(sts, pod)
        plan = ordinals.decide(sts, numbered, *names, self.clock.now())
        templates = {names[0]: template_of(current), names[1]: template_of(update)}
        await self._carry_out(sts, plan, templates)
        status = ordinals.status_of(sts, list(numbered.values()), *names, collisions, self.clock.now())
        if status != sts.status:
            await self.client.update_status(msgspec.structs.replace(sts, status=status))
        live = {*names, *(revision_of(p) for p in pods)}
        await forget_old(self, revisions, live, sts.spec.revision_history_limit)
        waits = (sts.spec.min_ready_seconds or 0) and sum(map(is_ready, pods)) > (status.available_replicas or 0)
        return float(sts.spec.min_ready_seconds or 0) if waits else None

    async def _owned(self, sts: apps_v1.StatefulSet) -> list[core_v1.Pod]:
        """Our pods; those that match by labels and name and have no controller become ours, ours that don't match are let go."""
        selector, found = from_struct(sts.spec.selector), []
        for pod in self._pods.store.list(sts.metadata.namespace):
            matches = selector.matches(pod.metadata.labels) and ordinal_of(sts.metadata.name or "", pod.metadata.name or "") is not None
            if controlled_by(pod, sts):
                if matches:
                    found.append(pod)
                elif pod.metadata.deletion_timestamp is None:
                    await self._owners(pod, [{"$patch": "delete", "uid": sts.metadata.uid}])
            elif matches and controller_of(pod) is None and pod.metadata.deletion_timestamp is None:
                found.append(await self._owners(pod, [owner_reference(sts)]))
        return found

    async def _owners(self, pod: core_v1.Pod, references: list[Any]) -> core_v1.Pod:
        body = {"metadata": {"uid": pod.metadata.uid, "ownerReferences": references}}
        return await self.client.patch(core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, body=body, patch_type="strategic")

    async def _carry_out(self, sts: apps_v1.StatefulSet, plan: ordinals.Plan, templates: dict[str, core_v1.PodTemplateSpec]) -> None:
        for pod, ended in plan.delete:
            if ended is not None:
                reason = "RecreatingFailedPod" if ended == "Failed" else "RecreatingTerminatedPod"
                text = f"StatefulSet {sts.metadata.namespace}/{sts.metadata.name} is recreating {ended} Pod {pod.metadata.name}"
                self.recorder.event(sts, "Warning", reason, text)
            await self._delete(sts, pod)
        await asyncio.gather(*(self._create(sts, numbered_pod(sts, templates[r], number, r)) for number, r in plan.create))

    async def _create(self, sts: apps_v1.StatefulSet, pod: core_v1.Pod) -> None:
        name = pod.metadata.name or ""
        for template in sts.spec.volume_claim_templates or ():
            await self._ensure_claim(sts, template, name)
        text = f"create Pod {name} in StatefulSet {sts.metadata.name}"
        try:
            await self.client.create(pod)
        except StatusError as error:
            if namespace_is_going(error):
                return
            if error.reason != "AlreadyExists":
                self.recorder.event(sts, "Warning", "FailedCreate", f"{text} failed error: {error.message}")
            raise
        self.recorder.event(sts, "Normal", "SuccessfulCreate", f"{text} successful")

    async def _ensure_claim(self, sts: apps_v1.StatefulSet, template: core_v1.PersistentVolumeClaim, pod: str) -> None:
        claim = numbered_claim(sts, template, pod)
        if self._claims.store.get(f"{sts.metadata.namespace}/{claim.metadata.name}") is not None:
            return
        text = f"create Claim {claim.metadata.name} Pod {pod} in StatefulSet {sts.metadata.name}"
        try:
            await self.client.create(claim)
        except StatusError as error:
            if error.reason == "AlreadyExists":
                return
            if not namespace_is_going(error):
                self.recorder.event(sts, "Warning", "FailedCreate", f"{text} failed error: {error.message}")
            raise
        self.recorder.event(sts, "Normal", "SuccessfulCreate", f"{text} success")

    async def _delete(self, sts: apps_v1.StatefulSet, pod: core_v1.Pod) -> None:
        text = f"delete Pod {pod.metadata.name} in StatefulSet {sts.metadata.name}"
        try:
            await self.client.delete(core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, uid=pod.metadata.uid)
        except StatusError as error:
            if error.code in (404, 409):
                return
            self.recorder.event(sts, "Warning", "FailedDelete", f"{text} failed error: {error.message}")
            raise
        self.recorder.event(sts, "Normal", "SuccessfulDelete", f"{text} successful")

    async def _tend_claims(self, sts: apps_v1.StatefulSet, pod: core_v1.Pod) -> None:
        """Claims that a waiting pod lacks are made again, and each belongs to whom the retention policy says."""
        name, namespace = pod.metadata.name or "", sts.metadata.namespace
        for template in sts.spec.volume_claim_templates or ():
            known = self._claims.store.get(f"{namespace}/{claim_name(template, name)}")
            if known is None:
                if pod.status.phase in (None, "Pending") and pod.metadata.deletion_timestamp is None:
                    await self._ensure_claim(sts, template, name)
            elif (owners := owners_of(sts, pod, known)) is not None:
                body = {"metadata": {"uid": known.metadata.uid, "ownerReferences": owners}}
                await self.client.patch(core_v1.PersistentVolumeClaim, known.metadata.name or "", namespace, body=body)

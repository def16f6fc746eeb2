"""Revisions: the templates that a DaemonSet or StatefulSet has had, as ControllerRevisions that `kubectl rollout undo` goes back to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from provisioner.kube.api._generated import apps_v1, core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import controller_of, owner_reference
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.client.informer import Store
from provisioner.kube.controllers.controller import Controller
from provisioner.kube.controllers.template_hash import ALPHABET

Revision = apps_v1.ControllerRevision


def template_data(template: core_v1.PodTemplateSpec | None) -> dict[str, Any]:
    """A revision's data: the strategic merge patch that brings the template back."""
    plain = msgspec.to_builtins(template) if template is not None else {}
    return {"spec": {"template": {**plain, "$patch": "replace"}}}


def template_of(revision: Revision) -> core_v1.PodTemplateSpec:
    """The template that a revision holds."""
    plain = dict(((revision.data or {}).get("spec") or {}).get("template") or {})
    plain.pop("$patch", None)
    return msgspec.convert(plain, core_v1.PodTemplateSpec)


def data_hash(data: dict[str, Any], collisions: int) -> str:
    """Ten characters; `collisions` makes another one."""
    digest = hashlib.sha256(msgspec.json.encode(data, order="sorted") + str(collisions or "").encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:10])


def equal_revision(revisions: Iterable[Revision], data: dict[str, Any]) -> Revision | None:
    """The newest revision with this data."""
    return max((r for r in revisions if r.data == data), key=lambda r: r.revision or 0, default=None)


def outlived(revisions: list[Revision], live: set[str], limit: int | None) -> list[Revision]:
    """The oldest of the revisions that nothing uses, beyond `limit` (upstream's default is 10)."""
    idle = sorted((r for r in revisions if r.metadata.name not in live), key=lambda r: r.revision or 0)
    return idle[: max(0, len(idle) - (10 if limit is None else limit))]


async def owned_revisions(controller: Controller, store: Store[Revision], owner: Any) -> list[Revision]:
    """The owner's revisions, oldest first; those that match its selector and have no controller become its own."""
    selector, found = from_struct(owner.spec.selector), []
    for revision in store.list(owner.metadata.namespace):
        reference = controller_of(revision)
        if reference is not None and reference.uid == owner.metadata.uid:
            found.append(revision)
        elif reference is None and revision.metadata.deletion_timestamp is None and selector.matches(revision.metadata.labels):
            body = {"metadata": {"uid": revision.metadata.uid, "ownerReferences": [owner_reference(owner)]}}
            found.append(await controller.client.patch(Revision, revision.metadata.name or "", revision.metadata.namespace, body=body))
    return sorted(found, key=lambda r: r.revision or 0)


def hashes_of_equals(revisions: Iterable[Revision], one: Revision, label: str) -> set[str]:
    """The hashes of all revisions with this one's data: their pods are up to date, whatever made them twice."""
    return {(r.metadata.labels or {}).get(label, "") for r in revisions if r.data == one.data} - {""}


async def ensure_revision(
    controller: Controller, owner: Any, revisions: list[Revision], label: str, collisions: int
) -> tuple[Revision, int]:
    """The revision of the owner's present template, with the highest number; and how many name collisions there have been by now.

    `label` is the label of the revision that holds its hash.
    """
    data = template_data(owner.spec.template)
    newest = max((r.revision or 0 for r in revisions), default=0)
    known = equal_revision(revisions, data)
    if known is not None:
        if (known.revision or 0) < newest:
            body = {"revision": newest + 1}
            known = await controller.client.patch(Revision, known.metadata.name or "", known.metadata.namespace, body=body)
        return known, collisions
    labels = (owner.spec.template.metadata.labels if owner.spec.template is not None and owner.spec.template.metadata else None) or {}
    while True:
        digest = data_hash(data, collisions)
        made = Revision(
            metadata=meta_v1.ObjectMeta(
                name=f"{owner.metadata.name}-{digest}",
                namespace=owner.metadata.namespace,
                labels={**labels, label: digest},
                owner_references=[owner_reference(owner)],
            ),
            data=data,
            revision=newest + 1,
        )
        try:
            return await controller.client.create(made), collisions
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
        present = await controller.client.get(Revision, made.metadata.name or "", made.metadata.namespace)
        if present.data == data:
            return present, collisions
        collisions += 1


async def forget_old(controller: Controller, revisions: list[Revision], live: set[str], limit: int | None) -> None:
    """Delete what is beyond the history's limit."""
    for old in outlived(revisions, live, limit):
        await controller.remove(old)

"""Which pods are an owner's: those that match and have no controller become its own, those of its own that don't match any more are let go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import controller_of, owner_reference
from provisioner.kube.api.selectors import from_struct
from provisioner.kube.controllers.controller import Controller


async def claim(
    controller: Controller,
    owner: Any,
    pods: Iterable[core_v1.Pod],
    *,
    may_have: Callable[[core_v1.Pod], bool] = lambda _: True,
    finalizer: str | None = None,
) -> list[core_v1.Pod]:
    """The owner's pods, after adopting and letting go. `finalizer` comes and goes with the ownership; `may_have` limits both.

    An owner that is being deleted adopts nothing.
    """
    selector, found = from_struct(owner.spec.selector), []
    for pod in pods:
        reference = controller_of(pod)
        matches = selector.matches(pod.metadata.labels) and may_have(pod)
        if reference is not None and reference.uid == owner.metadata.uid:
            if matches or owner.metadata.deletion_timestamp is not None:
                found.append(pod)
            elif pod.metadata.deletion_timestamp is None or finalizer in (pod.metadata.finalizers or ()):
                await _patch(controller, pod, {"ownerReferences": [{"$patch": "delete", "uid": owner.metadata.uid}], **_drop(finalizer)})
        elif reference is None and matches and pod.metadata.deletion_timestamp is None and owner.metadata.deletion_timestamp is None:
            adopted = await _patch(
                controller, pod, {"ownerReferences": [owner_reference(owner)], **({"finalizers": [finalizer]} if finalizer else {})}
            )
            found += [adopted] if adopted is not None else []
    return found


async def drop_finalizer(controller: Controller, pod: core_v1.Pod, finalizer: str) -> None:
    """A pod that is gone by now needs nothing. Raises StatusError."""
    await _patch(controller, pod, _drop(finalizer))


def _drop(finalizer: str | None) -> dict[str, Any]:
    return {"$deleteFromPrimitiveList/finalizers": [finalizer]} if finalizer else {}


async def _patch(controller: Controller, pod: core_v1.Pod, metadata: dict[str, Any]) -> core_v1.Pod | None:
    body = {"metadata": {"uid": pod.metadata.uid, **metadata}}
    try:
        return await controller.client.patch(
            core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, body=body, patch_type="strategic"
        )
    except StatusError as error:
        # Gone, or another pod of this name by now, or (422) it changed hands in between: the informer will tell.
        if error.code in (404, 409, 422):
            return None
        raise

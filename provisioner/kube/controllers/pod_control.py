"""Making and removing the pods of an owner, told of in the owner's events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.controllers.controller import Controller


def namespace_is_going(error: StatusError) -> bool:
    """Whether a creation was refused because its namespace is being deleted: every other one would be as well, and nobody needs to know."""
    return any(cause.get("reason") == "NamespaceTerminating" for cause in error.details.get("causes") or ())


async def create_pod(controller: Controller, owner: Any, pod: core_v1.Pod) -> core_v1.Pod | None:
    """The pod as it was made; None where its namespace is going. Raises StatusError, after an event."""
    try:
        made = await controller.client.create(pod)
    except StatusError as error:
        if namespace_is_going(error):
            return None
        controller.recorder.event(owner, "Warning", "FailedCreate", f"Error creating: {error.message}")
        raise
    controller.recorder.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {made.metadata.name}")
    return made


async def delete_pod(controller: Controller, owner: Any, pod: core_v1.Pod) -> bool:
    """Whether the server took the deletion; False for a pod that is gone, or is another one by now. Raises StatusError, after an event."""
    try:
        await controller.client.delete(core_v1.Pod, pod.metadata.name or "", pod.metadata.namespace, uid=pod.metadata.uid)
    except StatusError as error:
        if error.code in (404, 409):
            return False
        controller.recorder.event(owner, "Warning", "FailedDelete", f"Error deleting: {error.message}")
        raise
    controller.recorder.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {pod.metadata.name}")
    return True


async def mark_disrupted(controller: Controller, pod: core_v1.Pod, reason: str, message: str, *, phase: str | None = None) -> None:
    """Say on the pod why it is about to be ended from outside (condition DisruptionTarget). Raises StatusError."""
    condition: dict[str, Any] = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": controller.now(),
    }
    if pod.metadata.generation:
        condition["observedGeneration"] = pod.metadata.generation
    status: dict[str, Any] = {"conditions": [condition], **({"phase": phase} if phase else {})}
    body = {"metadata": {"uid": pod.metadata.uid}, "status": status}
    name, namespace = pod.metadata.name or "", pod.metadata.namespace
    await controller.client.patch(core_v1.Pod, name, namespace, body=body, patch_type="strategic", subresource="status")


async def slow_start(count: int, make: Callable[[int], Awaitable[object]]) -> tuple[int, StatusError | None]:
    """Call `make(0)`, …: one, then two, then four at once, so that what always fails fails once.

    (how many were not made, the first error).
    """
    batch, done = 1, 0
    while done < count:
        numbers = range(done, min(done + batch, count))
        results = await asyncio.gather(*(make(number) for number in numbers), return_exceptions=True)
        done = numbers.stop
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, StatusError):
                raise result
        errors = [r for r in results if isinstance(r, StatusError)]
        if errors:
            return len(errors) + count - done, errors[0]
        batch *= 2
    return 0, None

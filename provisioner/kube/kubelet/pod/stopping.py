"""Ends containers: the preStop hook, SIGTERM (or the image's own signal), and SIGKILL when the grace period is over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.pod.container_config import GRACE_S
from provisioner.kube.kubelet.pod.decide import find_container, is_sidecar
from provisioner.kube.kubelet.pod.handlers import Answer
from provisioner.kube.kubelet.pod.probes import about_container
from provisioner.kube.kubelet.pod.services import Services
from provisioner.kube.kubelet.runtime.containers import Container

log = logging.getLogger(__name__)

# Upstream's least for a container, after a preStop hook that used the whole period too.
LEAST_S = 2
MESSAGE_BYTES = 4096
LOG_TAIL_LINES = 80
LOG_TAIL_BYTES = 2048


def grace_of(pod: core_v1.Pod, *, removed: bool = False) -> int:
    """Seconds that a pod's containers have to end by themselves."""
    if pod.metadata.deletion_timestamp and pod.metadata.deletion_grace_period_seconds is not None:
        return max(1, pod.metadata.deletion_grace_period_seconds)
    if removed:
        return 1
    grace = pod.spec.termination_grace_period_seconds
    return grace if grace is not None else GRACE_S


async def stop_all(services: Services, pod: core_v1.Pod, running: Sequence[Container], grace_s: int, pod_ip: str) -> None:
    """All of a pod's containers, in one grace period: sidecars after everything else, the last one first. Their hooks begin at once.

    Raises DockerError.
    """
    gone = {container.name: asyncio.Event() for container in running}
    order = [c.name or "" for c in pod.spec.init_containers or () if is_sidecar(c)]
    apart = {e.name for e in pod.spec.ephemeral_containers or ()}

    def before(name: str) -> list[asyncio.Event]:
        if name not in order:
            return []
        later = order[order.index(name) + 1 :]
        return [event for other, event in gone.items() if other in later or (other not in order and other not in apart)]

    async def one(container: Container) -> None:
        try:
            await stop_container(services, pod, container, grace_s, "", pod_ip, before(container.name))
        finally:
            gone[container.name].set()

    await asyncio.gather(*(one(container) for container in running))


async def stop_container(
    services: Services,
    pod: core_v1.Pod,
    container: Container,
    grace_s: int,
    why: str,
    pod_ip: str,
    after: Sequence[asyncio.Event] = (),
) -> None:
    """Returns when the container has ended, which it is asked to once `after` has happened, or its time is over. Raises DockerError."""
    spec = find_container(pod, container.name)
    about = about_container(pod, container.name)
    began = services.clock.monotonic()
    services.recorder.event(about, "Normal", "Killing", why or f"Stopping container {container.name}")
    if spec is not None and spec.lifecycle and spec.lifecycle.pre_stop and grace_s > 0:
        answer = await _while_it_runs(
            services, container, services.handlers.hook(spec.lifecycle.pre_stop, spec, container.id, pod_ip), grace_s
        )
        if answer is None:
            log.warning("preStop did not end in time pod=%s container=%s", pod.metadata.name, container.name)
        elif not answer.ok:
            services.recorder.event(about, "Warning", "FailedPreStopHook", "PreStopHook failed")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, grace_s - (services.clock.monotonic() - began))):
            for event in after:
                await event.wait()
    left = max(LEAST_S if grace_s > 1 else grace_s, grace_s - int(services.clock.monotonic() - began))
    await services.docker.stop(container.id, left)
    await services.containers.refresh(container.id)


async def _while_it_runs(services: Services, container: Container, hook: Coroutine[Any, Any, Answer], limit_s: float) -> Answer | None:
    """The hook's answer; None where the time is over, or the container ended before its hook did (which nobody needs any more)."""
    asking = spawn(f"preStop of {container.name}", hook)
    gone = spawn(f"end of {container.name}", _gone(services, container, limit_s))
    try:
        await asyncio.wait({asking, gone}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        return asking.result() if asking.done() else None
    finally:
        await stop(asking, gone)


async def _gone(services: Services, container: Container, limit_s: float) -> None:
    try:
        await services.docker.wait(container.id, limit_s)
    except DockerError as error:
        if error.status != 404:
            # Not known: the hook has all of its time.
            await services.clock.sleep(limit_s)


async def kill_sandbox(services: Services, pod_uid: str, sandbox: Container | None) -> None:
    """End the pod's namespaces and unplug it."""
    if sandbox is not None and sandbox.running:
        await services.docker.kill(sandbox.id)
        await services.docker.wait(sandbox.id, 30.0)
        await services.containers.refresh(sandbox.id)
    await services.network.teardown(pod_uid)


async def remove_containers(services: Services, pod_uid: str) -> None:
    """Take every container of a pod out of Docker, its logs too."""

    async def remove(container: Container) -> None:
        try:
            await services.docker.remove(container.id)
        except DockerError as error:
            log.warning("container not removed id=%s: %s", container.id[:12], error)
        services.containers.forget(container.id)

    every = services.containers.of_pod(pod_uid)
    # The sandbox last: it is what finds the others again after a crash.
    await asyncio.gather(*(remove(c) for c in every if not c.is_sandbox))
    await asyncio.gather(*(remove(c) for c in every if c.is_sandbox))


async def termination_message(services: Services, container: Container) -> str:
    """What the container left in its message file, or the tail of its log where its policy says so and it failed."""
    path = Path(container.message_file) if container.message_file else None
    text = ""
    if path is not None and path.is_file():
        with path.open("rb") as file:
            text = file.read(MESSAGE_BYTES).decode(errors="replace")
    if not text and container.message_policy == "FallbackToLogsOnError" and container.exit_code != 0:
        output = b""
        async for _, data in services.docker.logs(container.id, tty=container.tty, tail=str(LOG_TAIL_LINES)):
            output = (output + data)[-LOG_TAIL_BYTES:]
        text = output.decode(errors="replace")
    return text

"""Probes: one task for each probe of each running container; it tells the pod's worker when a result changes.

A startup probe holds the others back until it has succeeded. Results belong to a container id: a new container begins anew.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.meta import parse_time
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.events import EventRecorder
from provisioner.kube.client.series import Sample
from provisioner.kube.client.tasks import spawn
from provisioner.kube.kubelet.pod.handlers import Answer, Handlers
from provisioner.kube.kubelet.runtime.containers import Container
from provisioner.kube.version import PROBE_AGENT

STARTUP, LIVENESS, READINESS = "Startup", "Liveness", "Readiness"
# An unready container that answers is to be ready soon, whatever its period: Guess.
EAGER_S = 1.0


@dataclass(slots=True)
class _Watched:
    """One running container and what its probes said so far."""

    container: core_v1.Container
    id: str
    since: datetime | None
    started: bool
    ready: bool
    unhealthy: str = ""
    # A failed probe's own grace period; None is the pod's.
    grace_s: int | None = None
    tasks: dict[str, asyncio.Task[Any]] = field(default_factory=dict)


class Probes:
    """Of one pod. `changed` is called, in the loop, after each change of a result."""

    def __init__(self, handlers: Handlers, recorder: EventRecorder, clock: Clock, changed: Callable[[], None]) -> None:
        self._handlers, self._recorder, self._clock, self._changed = handlers, recorder, clock, changed
        self._watched: dict[str, _Watched] = {}
        # The pod's address now: after our own restart containers are found running before it is known.
        self._pod_ip = ""
        self._ending = False
        # (container, kind, result) -> how often
        self._answers: Counter[tuple[str, str, str]] = Counter()

    def samples(self, pod: core_v1.Pod) -> Iterable[Sample]:
        metadata = pod.metadata
        of_pod = {"namespace": metadata.namespace or "", "pod": metadata.name or "", "pod_uid": metadata.uid or ""}
        for (container, kind, result), count in self._answers.items():
            labels = {"container": container, **of_pod, "probe_type": kind, "result": result}
            yield Sample("counter", "prober_probe_total", labels, count)

    @property
    def started(self) -> frozenset[str]:
        return frozenset(id_ for id_, w in self._watched.items() if w.started)

    @property
    def ready(self) -> frozenset[str]:
        return frozenset(id_ for id_, w in self._watched.items() if w.started and w.ready)

    @property
    def unhealthy(self) -> dict[str, str]:
        """Container id to why it is to be restarted."""
        return {id_: w.unhealthy for id_, w in self._watched.items() if w.unhealthy}

    def grace_s(self, container_id: str) -> int | None:
        """How long a container that failed its probe has to end, where the probe says so."""
        found = self._watched.get(container_id)
        return found.grace_s if found is not None else None

    def update(self, pod: core_v1.Pod, pod_ip: str, running: dict[str, Container]) -> None:
        """Probe exactly the `running` containers (by name). A container adopted from before keeps what its status said."""
        self._pod_ip = pod_ip
        ids = {c.id for c in running.values()}
        for gone in set(self._watched) - ids:
            self._drop(gone)
        for container in [*(pod.spec.init_containers or ()), *(pod.spec.containers or ())]:
            found = running.get(container.name or "")
            if found is not None and found.id not in self._watched:
                before = _status_before(pod, found.id)
                watched = _Watched(
                    container,
                    found.id,
                    parse_time(found.started_at) if found.started_at else None,
                    started=container.startup_probe is None or bool(before and before.started),
                    ready=container.readiness_probe is None or bool(before and before.ready),
                )
                self._watched[found.id] = watched
                self._begin(pod, watched)

    def end(self) -> None:
        """The pod ends: nothing is to be restarted any more, but whoever still serves is told of by readiness."""
        self._ending = True
        self._cancel(STARTUP, LIVENESS)

    def stop(self) -> None:
        """No more probing; results stay as they are."""
        self._cancel(STARTUP, LIVENESS, READINESS)

    def _cancel(self, *kinds: str) -> None:
        for watched in self._watched.values():
            for kind in kinds:
                if (task := watched.tasks.pop(kind, None)) is not None:
                    task.cancel()

    def _drop(self, container_id: str) -> None:
        for task in self._watched.pop(container_id).tasks.values():
            task.cancel()

    def _begin(self, pod: core_v1.Pod, watched: _Watched) -> None:
        kinds = [STARTUP] if not watched.started else [LIVENESS, READINESS]
        if self._ending:
            kinds = [READINESS] if watched.started else []
        for kind in kinds:
            probe = _probe(watched.container, kind)
            if probe is not None and kind not in watched.tasks:
                name = f"{kind.lower()} probe {pod.metadata.name}/{watched.container.name}"
                watched.tasks[kind] = spawn(name, self._probe(pod, watched, kind, probe))

    async def _probe(self, pod: core_v1.Pod, watched: _Watched, kind: str, probe: core_v1.Probe) -> None:
        period_s = float(probe.period_seconds or 10)
        age_s = (self._clock.now() - watched.since).total_seconds() if watched.since else 0.0
        # What was running before we were is spread over a period, so that a restart asks not everything at once.
        delay_s = float(probe.initial_delay_seconds or 0) - age_s
        await self._clock.sleep(delay_s if delay_s > 0 else random.uniform(0, period_s) if age_s > 60 else 0)
        failures = successes = 0
        while True:
            answer = await self._ask(probe, watched, self._pod_ip)
            self._answers[watched.container.name or "", kind, "successful" if answer.ok else "failed"] += 1
            if answer.ok:
                successes, failures = successes + 1, 0
                if answer.warning:
                    self._recorder.event(_about(pod, watched), "Warning", "ProbeWarning", f"{kind} probe warning: {answer.message}")
            else:
                successes, failures = 0, failures + 1
                self._recorder.event(_about(pod, watched), "Warning", "Unhealthy", f"{kind} probe failed: {answer.message}")
            if successes >= (probe.success_threshold or 1):
                if self._succeeded(pod, watched, kind):
                    return
            elif failures >= (probe.failure_threshold or 3) and self._failed(watched, kind, probe):
                return
            eager = kind == STARTUP or (kind == READINESS and not watched.ready)
            await self._clock.sleep(min(period_s, EAGER_S) if eager and answer.ok else period_s)

    def _succeeded(self, pod: core_v1.Pod, watched: _Watched, kind: str) -> bool:
        """Note a success; whether this probe has done its work."""
        if kind == STARTUP:
            watched.started = True
            watched.tasks.pop(STARTUP, None)
            self._begin(pod, watched)
            self._changed()
            return True
        if kind == READINESS and not watched.ready:
            watched.ready = True
            self._changed()
        return False

    def _failed(self, watched: _Watched, kind: str, probe: core_v1.Probe) -> bool:
        if kind == READINESS:
            if watched.ready:
                watched.ready = False
                self._changed()
            return False
        name = watched.container.name
        watched.grace_s = probe.termination_grace_period_seconds
        watched.unhealthy = f"Container {name} failed {kind.lower()} probe, will be restarted"
        self._changed()
        return True

    async def _ask(self, probe: core_v1.Probe, watched: _Watched, pod_ip: str) -> Answer:
        timeout_s = float(probe.timeout_seconds or 1)
        if probe.exec is not None:
            return await self._handlers.execute(watched.id, probe.exec.command or [], timeout_s)
        if probe.http_get is not None:
            return await self._handlers.http(probe.http_get, watched.container, pod_ip, timeout_s, PROBE_AGENT)
        if probe.tcp_socket is not None:
            return await self._handlers.tcp(probe.tcp_socket, watched.container, pod_ip, timeout_s)
        if probe.grpc is not None:
            return await self._handlers.grpc(probe.grpc, pod_ip, timeout_s)
        return Answer(True, "")


def _probe(container: core_v1.Container, kind: str) -> core_v1.Probe | None:
    by_kind = {STARTUP: container.startup_probe, LIVENESS: container.liveness_probe, READINESS: container.readiness_probe}
    return by_kind[kind]


def _status_before(pod: core_v1.Pod, container_id: str) -> core_v1.ContainerStatus | None:
    every = [*(pod.status.container_statuses or ()), *(pod.status.init_container_statuses or ())]
    return next((s for s in every if s.container_id == f"docker://{container_id}"), None)


def _about(pod: core_v1.Pod, watched: _Watched) -> core_v1.ObjectReference:
    return about_container(pod, watched.container.name or "")


def about_container(pod: core_v1.Pod, name: str) -> core_v1.ObjectReference:
    """What events about one container of a pod refer to."""
    among = "containers"
    if any(c.name == name for c in pod.spec.init_containers or ()):
        among = "initContainers"
    elif any(c.name == name for c in pod.spec.ephemeral_containers or ()):
        among = "ephemeralContainers"
    return core_v1.ObjectReference(
        api_version="v1",
        kind="Pod",
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        resource_version=pod.metadata.resource_version,
        field_path=f"spec.{among}{{{name}}}",
    )

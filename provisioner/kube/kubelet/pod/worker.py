"""The worker of one pod: looks at what there is, begins what is missing, reports, and sleeps until something changes.

It never waits for a step: pulling an image or a postStart hook that hangs delays neither the status nor the pod's deletion. The end of a pod is
one straight way: stop the containers, the sandbox, the volumes; write the last status; delete the object; remove the containers.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.meta import parse_time, rfc3339
from provisioner.kube.client.series import Sample
from provisioner.kube.client.tasks import spawn
from provisioner.kube.kubelet.errors import ContainerRefused, DockerError, VolumeError
from provisioner.kube.kubelet.pod import resize, starting, stopping
from provisioner.kube.kubelet.pod.decide import Facts, Plan, container_hash, decide, find_container, newest, sandbox_of
from provisioner.kube.kubelet.pod.operations import Operations
from provisioner.kube.kubelet.pod.probes import Probes, about_container
from provisioner.kube.kubelet.pod.process_user import user_of
from provisioner.kube.kubelet.pod.restart import Backoff, shown
from provisioner.kube.kubelet.pod.services import Services
from provisioner.kube.kubelet.pod.status import Seen, status_of
from provisioner.kube.kubelet.runtime.containers import Container
from provisioner.kube.network.ip_batch import NetworkError

log = logging.getLogger(__name__)

# Upstream looks at every pod's volumes about once a minute.
REFRESH_S = 60.0
FINAL = ("Failed", "Succeeded")
AGAIN_S = 1.0
# How often resources that the node had not are asked for again; Guess.
DEFERRED_S = 5.0


class PodWorker:
    """Owns one pod's containers, from its first sight until its object is gone. Wake it after every change."""

    def __init__(self, services: Services, pod: core_v1.Pod, *, mirrored: bool = False) -> None:
        self.pod = pod
        self.uid = pod.metadata.uid or ""
        self.mirrored = mirrored
        self.removed = False
        self.ending = self._stopped = False
        self._over = asyncio.Event()
        # As it was before our own restart; plugging in says anew.
        self.pod_ip = pod.status.pod_ip or ""
        self._s = services
        self._wake = asyncio.Event()
        self._operations = Operations(self._title, services.clock, self._failed, self.wake)
        self._probes = Probes(services.handlers, services.recorder, services.clock, self.wake)
        self._backoff = Backoff()
        self._waiting: dict[str, tuple[str, str]] = {}
        self._crashing: dict[str, float] = {}
        self._messages: dict[str, str] = {}
        self._users: dict[str, core_v1.ContainerUser] = {}
        self._plugged = ""
        self._volumes_ready = False
        self._refresh_at = 0.0
        self._seen_at = rfc3339(services.clock.now())
        self._final = (pod.status.phase or "") if pod.status.phase in FINAL else ""
        self._reason, self._message = pod.status.reason or "", pod.status.message or ""
        # A pod that had ended before we came keeps the status that it has.
        self._silent = bool(self._final)
        self._evicted = self._rejected = False
        self._grace_s: int | None = None
        self._restarting: Container | None = None
        self._restarted = False
        self._allocated = resize.wanted(pod)
        self._actual: dict[str, core_v1.ResourceRequirements] = {}
        self._pending: tuple[str, str] | None = None
        self._told = resize.Told()
        self.room: Callable[[core_v1.Pod], tuple[str, str] | None] = lambda _: None
        """Why the node can't give the pod the resources that it asks for by now."""

    @property
    def _title(self) -> str:
        return f"{self.pod.metadata.namespace}/{self.pod.metadata.name}"

    # -- what others tell us ---------------------------------------------------------------------------------------

    def wake(self) -> None:
        self._wake.set()
        if self.ending and not self._stopped:
            # The end is on its way, and whoever looks shall see how far it is.
            self._probes.update(self.pod, self.pod_ip, self._running())
            if not self._final:
                self.report()

    def update(self, pod: core_v1.Pod) -> None:
        """A newer object of the same pod."""
        hurried = self.ending and stopping.grace_of(pod) < stopping.grace_of(self.pod)
        before, after = self.pod.metadata, pod.metadata
        if (before.labels, before.annotations) != (after.labels, after.annotations):
            # Downward API files show them.
            self._refresh_at = 0.0
        self.pod = pod
        self.wake()
        if hurried:
            spawn(f"hurry {self._title}", self._hurry(stopping.grace_of(pod)))

    def remove(self, pod: core_v1.Pod) -> None:
        """The object is gone from the API: end the containers all the same."""
        hurried = self.ending and not self.removed
        self.pod, self.removed = pod, True
        self.wake()
        if hurried:
            spawn(f"hurry {self._title}", self._hurry(stopping.grace_of(pod, removed=True)))

    def fail(self, reason: str, message: str) -> None:
        """Give the pod up: its phase becomes Failed, its containers end."""
        if not self._final:
            self._final, self._reason, self._message = "Failed", reason, message
            self.wake()

    def reject(self, reason: str, message: str) -> None:
        """Turn the pod away, of which nothing has begun."""
        self._rejected = True
        self.fail(reason, message)

    def evict(self, message: str, grace_s: int, reason: str = "Evicted") -> None:
        """Give the pod up for the node's sake; its containers have `grace_s` and no longer."""
        if not self._final and not self.ending:
            self._evicted, self._grace_s = True, grace_s
            if reason == "Evicted":
                self._s.recorder.event(self.pod, "Warning", reason, message)
            self.fail(reason, message)

    async def ended(self) -> None:
        """Until everything of the pod has stopped, and its last status is in the API."""
        await self._over.wait()
        await self._s.statuses.written(self.uid)

    async def _hurry(self, grace_s: int) -> None:
        await self._s.clock.sleep(grace_s)
        for container in self._containers():
            if container.running and not container.is_sandbox:
                await self._s.docker.kill(container.id)

    # -- the loop --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the pod is gone. May be cancelled at any time; the containers then run on."""
        try:
            while True:
                self._wake.clear()
                if self.pod.metadata.deletion_timestamp or self.removed or self._final:
                    if await self._end():
                        return
                    wait_s = None
                else:
                    wait_s = await self._sync()
                try:
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            self._probes.stop()
            await self._operations.stop()

    def probe_samples(self) -> Iterable[Sample]:
        return self._probes.samples(self.pod)

    def _containers(self) -> list[Container]:
        return self._s.containers.of_pod(self.uid)

    def _running(self) -> dict[str, Container]:
        return {c.name: c for c in self._containers() if c.running and not c.is_sandbox}

    def _crash_key(self, name: str) -> str:
        """Another image begins without the back-off of the one before."""
        container = find_container(self.pod, name)
        return f"{name} {container_hash(container)}" if container is not None else name

    async def _sync(self) -> float:
        """One look; seconds until the next one, should nothing happen before."""
        containers = self._containers()
        await self._read_messages(containers)
        self._check_deadline()
        self._allocate()
        now = self._s.clock.now()

        def backoff_s(container: Container) -> float:
            ended = parse_time(container.finished_at) if container.finished_at else now
            return self._backoff.remaining_s(self._crash_key(container.name), ended or now, now)

        plan = decide(self.pod, Facts(containers, backoff_s, self._probes.started, self._probes.unhealthy))
        if plan.ended:
            self._final = "Succeeded" if self._succeeded(containers) else "Failed"
            self.wake()
        elif not self._final:
            self._restarting = plan.restarting
            self._restarted = self._restarted or plan.restarting is not None
            self._act(plan, containers)
        self._probes.update(self.pod, self.pod_ip, self._running())
        self.report()
        deferred_s = DEFERRED_S if self._pending is not None else None
        waits = [REFRESH_S, plan.wait_s, self._operations.next_s(), self._deadline_s(), deferred_s]
        return max(0.01, min(w for w in waits if w is not None))

    def _act(self, plan: Plan, containers: list[Container]) -> None:
        begin = self._operations.begin
        if not self._volumes_ready:
            begin("volumes", self._set_up_volumes, first_s=0.5)
        elif self._s.clock.monotonic() > self._refresh_at:
            begin("refresh of volumes", self._refresh_volumes)
        sandbox = sandbox_of(containers)
        at_once = plan.restarting is not None
        for container, why in plan.kill:
            begin(f"stop {container.name}", lambda c=container, w=why: self._stop(c, w, at_once=at_once))  # type: ignore[misc]  # bound now, not later
        if plan.sandbox:
            self._plugged = ""
            begin("sandbox", lambda: starting.start_sandbox(self._s, self.pod), max_s=10.0)
        elif sandbox is not None and sandbox.running and self._plugged != sandbox.id:
            begin("network", lambda: self._plug_in(sandbox), first_s=0.5, max_s=10.0)
        self._note_crashes(plan)
        for container, change in self._changes(containers):
            if change.restart:
                why = f"Container {container.name} resize requires restart"
                begin(f"stop {container.name}", lambda c=container, w=why: self._stop(c, w))  # type: ignore[misc]  # bound now, not later
            else:
                begin(f"resize {container.name}", lambda c=container, u=change.update: self._resize(c, u))  # type: ignore[misc]  # bound now, not later
        if sandbox is not None and self._plugged == sandbox.id and self._volumes_ready:
            for name in plan.start:
                if not self._operations.running(f"stop {name}"):
                    begin(f"start {name}", lambda n=name: self._start(n, sandbox))  # type: ignore[misc]  # bound now, not later

    def _allocate(self) -> None:
        """Give the pod what it asks for by now, where the node has it."""
        self._pending, begun = None, False
        if resize.wanted(self.pod) != self._allocated:
            self._pending = self.room(self.pod)
            if begun := self._pending is None:
                self._allocated = resize.wanted(self.pod)
        self._tell_of_resizing(begun=begun)

    def _tell_of_resizing(self, *, begun: bool = False) -> None:
        notes, self._told = resize.news(self._told, self.pod, self._allowed, self._actual, self._pending, begun=begun)
        for note in notes:
            self._s.recorder.event(self.pod, *note)

    @property
    def _allowed(self) -> core_v1.Pod:
        """The pod with the resources that it may have."""
        return resize.with_resources(self.pod, self._allocated)

    def _changes(self, containers: list[Container]) -> list[tuple[Container, resize.Change]]:
        """Running containers whose resources are not what they may have; what the others run with is noted."""
        allowed, changes = self._allowed, []
        for spec in resize.resizable(allowed):
            found = newest(containers, spec.name or "")
            if found is None or not found.running:
                continue
            change = resize.change_of(allowed.spec, spec, found, self._s.settings.node_memory_bytes)
            if change is not None:
                changes.append((found, change))
                self._actual.setdefault(found.name, core_v1.ResourceRequirements())
            else:
                self._actual[found.name] = spec.resources or core_v1.ResourceRequirements()
        if not changes and allowed.spec.resources is not None:
            self._actual[resize.POD] = allowed.spec.resources
        return changes

    async def _resize(self, container: Container, update: Mapping[str, int]) -> None:
        await self._s.docker.update(container.id, update)
        await self._s.containers.refresh(container.id)

    def _note_crashes(self, plan: Plan) -> None:
        crashing = {name: wait_s for name, wait_s in plan.waiting.items() if not self._operations.running(f"start {name}")}
        for name in crashing:
            if name not in self._crashing:
                about, metadata = about_container(self.pod, name), self.pod.metadata
                where = f"{metadata.name}_{metadata.namespace}({metadata.uid})"
                text = f"Back-off restarting failed container {name} in pod {where}"
                self._s.recorder.event(about, "Warning", "BackOff", text)
        self._crashing = crashing

    # -- steps -----------------------------------------------------------------------------------------------------

    async def _set_up_volumes(self) -> None:
        await self._s.volumes.setup(self.pod, self._s.place(self.pod_ip))
        self._waiting.clear()
        self._volumes_ready = True
        self._plan_refresh()

    async def _refresh_volumes(self) -> None:
        self._plan_refresh()
        await self._s.volumes.refresh(self.pod, self._s.place(self.pod_ip))

    def _plan_refresh(self) -> None:
        self._refresh_at = self._s.clock.monotonic() + REFRESH_S * random.uniform(0.8, 1.0)

    async def _plug_in(self, sandbox: Container) -> None:
        self.pod_ip = await starting.plug_in(self._s, self.pod, sandbox)
        self._plugged = sandbox.id

    async def _start(self, name: str, sandbox: Container) -> None:
        if any(c.name == name and c.exited for c in self._containers()):
            self._backoff.next(self._crash_key(name), self._s.clock.now())
        await starting.start_container(self._s, self._allowed, name, sandbox, self.pod_ip)
        self._waiting.pop(name, None)

    async def _stop(self, container: Container, why: str, *, at_once: bool = False) -> None:
        grace_s = 0 if at_once else self._probes.grace_s(container.id)
        await stopping.stop_container(
            self._s, self.pod, container, stopping.grace_of(self.pod) if grace_s is None else grace_s, why, self.pod_ip
        )

    def _failed(self, key: str, error: Exception) -> float | None:
        """A step failed: say so in events and in the containers' waiting reasons."""
        recorder = self._s.recorder
        if isinstance(error, VolumeError):
            text = f'MountVolume.{error.step} for volume "{error.volume}" : {error.message}'
            recorder.event(self.pod, "Warning", "FailedMount", text)
        elif key in ("sandbox", "network"):
            recorder.event(self.pod, "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
        elif isinstance(error, ContainerRefused) and key == "volumes":
            # An image that is a volume: no container can begin without it.
            self._waiting |= {c.name or "": (error.reason, error.message) for c in self.pod.spec.containers or ()}
            images = [v.image.reference or "" for v in self.pod.spec.volumes or () if v.image is not None]
            return AGAIN_S if error.reason == "ErrImagePull" else max(map(self._s.images.retry_s, images), default=0.0) + 0.1
        elif isinstance(error, ContainerRefused) and key.startswith("start "):
            name = key.removeprefix("start ")
            self._waiting[name] = (error.reason, error.message)
            container = find_container(self.pod, name)
            if error.reason == "ImagePullBackOff" and container is not None:
                return self._s.images.retry_s(container.image or "") + 0.1
            if error.reason == "ErrImagePull":
                return AGAIN_S
            if error.reason == "RunContainerError":
                return 0.0
        return None

    def _check_deadline(self) -> None:
        left_s = self._deadline_s()
        if left_s is not None and left_s <= 0:
            text = "Pod was active on the node longer than the specified deadline"
            self._s.recorder.event(self.pod, "Normal", "DeadlineExceeded", text)
            self.fail("DeadlineExceeded", text)

    def _deadline_s(self) -> float | None:
        seconds, began = self.pod.spec.active_deadline_seconds, parse_time(self.pod.status.start_time or self._seen_at)
        if seconds is None or began is None:
            return None
        return seconds - (self._s.clock.now() - began).total_seconds()

    # -- reporting -------------------------------------------------------------------------------------------------

    async def _read_messages(self, containers: list[Container]) -> None:
        for container in containers:
            if container.exited and not container.is_sandbox and container.id not in self._messages:
                self._messages[container.id] = await stopping.termination_message(self._s, container)
        known = {c.id for c in containers}
        self._messages = {id_: text for id_, text in self._messages.items() if id_ in known}

    def _succeeded(self, containers: list[Container]) -> bool:
        """Whether the last attempt of every container ended well."""
        latest: dict[str, Container] = {}
        for container in sorted(containers, key=lambda c: c.attempt):
            latest[container.name] = container
        names = [c.name or "" for c in self.pod.spec.containers or ()]
        return all(name in latest and latest[name].exited and latest[name].exit_code == 0 for name in names)

    def report(self) -> None:
        if self._silent:
            return
        waiting = dict(self._waiting)
        for name in self._crashing:
            metadata = self.pod.metadata
            where = f"{metadata.name}_{metadata.namespace}({metadata.uid})"
            text = f"back-off {shown(self._backoff.delay_s(self._crash_key(name)))} restarting failed container={name} pod={where}"
            waiting[name] = ("CrashLoopBackOff", text)
        containers = self._containers()
        self._users = {c.id: found for c in containers if (found := self._users.get(c.id) or user_of(c.pid if c.running else 0))}
        changing = self._changes(containers)
        self._tell_of_resizing()
        resizing = [("PodResizePending", *self._pending)] if self._pending is not None else []
        resizing += [("PodResizeInProgress", "", "")] if changing and not self.ending else []
        told = self.ending or not self._final
        seen = Seen(
            containers=containers,
            now=rfc3339(self._s.clock.now()),
            host_ip=self._s.settings.node_ip,
            pod_ip=self.pod_ip,
            started_at=self._seen_at,
            waiting=waiting,
            ready=self._probes.ready,
            started=self._probes.started,
            messages=self._messages,
            users=self._users,
            terminating=self.ending,
            final=self._final if self.ending else "",
            # What ends the pod is told together with its end.
            reason=self._reason if told else "",
            message=self._message if told else "",
            evicted=self._evicted,
            rejected=self._rejected,
            allocated=self._allocated,
            actual=self._actual,
            resizing=resizing,
            restarted=self._restarted,
            restarting=(self._restarting.name, self._restarting.exit_code) if self._restarting is not None else None,
        )
        self._s.statuses.report(self.pod, status_of(self.pod, seen))

    # -- the end ---------------------------------------------------------------------------------------------------

    async def _end(self) -> bool:
        """Whether the pod is gone, object and all. A pod that has only run to its end waits for its deletion."""
        self._probes.end()
        await self._operations.stop()
        while True:
            try:
                await self._stop_everything()
                break
            except (DockerError, NetworkError, OSError) as error:
                log.warning("pod not stopped yet pod=%s: %s", self._title, error)
                await self._s.clock.sleep(AGAIN_S)
        await asyncio.to_thread(self._s.volumes.teardown, self.uid)
        if not (self.pod.metadata.deletion_timestamp or self.removed):
            return False
        if not self.removed and not self.mirrored:
            await self._s.statuses.finish(self.pod)
        await stopping.remove_containers(self._s, self.uid)
        self._s.statuses.forget(self.uid)
        return True

    async def _stop_everything(self) -> None:
        deciding = not self._final
        self.ending = True
        if deciding:
            self.report()
        while running := [c for c in self._containers() if c.running and not c.is_sandbox]:
            grace_s = stopping.grace_of(self.pod, removed=self.removed)
            if self._grace_s is not None:
                grace_s = min(grace_s, self._grace_s)
            await stopping.stop_all(self._s, self.pod, running, grace_s, self.pod_ip)
        self._stopped = True
        self._probes.stop()
        sandbox = sandbox_of(self._containers())
        if sandbox is not None or self.uid in self._s.network.addresses():
            await stopping.kill_sandbox(self._s, self.uid, sandbox)
        containers = self._containers()
        await self._read_messages(containers)
        if deciding:
            self._final = "Succeeded" if self._succeeded(containers) else "Failed"
        self.report()
        self._over.set()

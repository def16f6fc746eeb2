"""All pods of this node: one worker for each, from the API's watch to what Docker still holds of pods that are gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.series import Sample
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.pod import resize, stopping
from provisioner.kube.kubelet.pod.admission import refusal
from provisioner.kube.kubelet.pod.services import Services
from provisioner.kube.kubelet.pod.worker import FINAL, PodWorker
from provisioner.kube.network.ip_batch import NetworkError

log = logging.getLogger(__name__)

MIRROR = "kubernetes.io/config.mirror"
# After a crash of a worker: it begins anew, since its containers know nothing of it.
RESTART_S = 5.0
SWEEP_S = 60.0


class Pods:
    """Handlers for the pod informer; `run` keeps the node clean of what belongs to no pod."""

    def __init__(self, services: Services) -> None:
        self._s = services
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.pressures: Callable[[], frozenset[str]] = frozenset
        self.shutting_down: Callable[[], bool] = bool
        self._node: core_v1.Node | None = None
        services.containers.on_change(self._container_changed)

    def worker(self, uid: str) -> PodWorker | None:
        return self._workers.get(uid)

    def find(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of a pod by its name; of two, the one that is not ending."""
        found = [w for w in self._workers.values() if w.pod.metadata.namespace == namespace and w.pod.metadata.name == name]
        return min(found, key=lambda w: w.ending, default=None)

    def all(self) -> Iterable[core_v1.Pod]:
        return [worker.pod for worker in self._workers.values()]

    def probe_samples(self) -> Iterable[Sample]:
        """How often each probe answered how."""
        return (sample for worker in self._workers.values() for sample in worker.probe_samples())

    def evict(self, uid: str, message: str, grace_s: int, reason: str = "Evicted") -> None:
        """End a pod for the node's sake; its phase becomes Failed."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.evict(message, grace_s, reason)

    async def ended(self, uid: str) -> None:
        """Until a pod has ended and its last status is in the API; at once for one that is gone."""
        worker = self._workers.get(uid)
        if worker is not None:
            await worker.ended()

    # -- from the informer -----------------------------------------------------------------------------------------

    def added(self, pod: core_v1.Pod, *, static: bool = False) -> None:
        uid = pod.metadata.uid or ""
        if MIRROR in (pod.metadata.annotations or {}) and not static:
            return
        worker = self._workers.get(uid)
        if worker is not None:
            worker.update(pod)
            return
        worker = self._workers[uid] = PodWorker(self._s, pod, mirrored=static)
        worker.room = self._room
        fresh = not self._s.containers.of_pod(uid) and pod.status.phase not in FINAL
        if fresh and not pod.metadata.deletion_timestamp and not static:
            others = [w.pod for w in self._workers.values() if w is not worker and not w.ending]
            problem = refusal(pod, others, self._s.settings, self._node, self.pressures())
            if self.shutting_down():
                problem = "NodeShutdown", "Pod was rejected as the node is shutting down."
            if problem is not None:
                self._s.recorder.event(pod, "Warning", problem[0], problem[1])
                worker.reject(*problem)
        self._run(worker)

    def _room(self, pod: core_v1.Pod) -> tuple[str, str] | None:
        others = [w.pod for w in self._workers.values() if w.uid != pod.metadata.uid and not w.ending]
        return resize.problem(pod, others, self._s.settings.allocatable)

    def updated(self, old: core_v1.Pod, new: core_v1.Pod) -> None:
        if old.metadata.uid != new.metadata.uid:
            self.deleted(old)
        self.added(new)

    def deleted(self, pod: core_v1.Pod) -> None:
        worker = self._workers.get(pod.metadata.uid or "")
        if worker is not None:
            worker.remove(pod)

    def node_changed(self, node: core_v1.Node) -> None:
        """This node's object: its labels decide whether a pod may be here."""
        self._node = node

    def _run(self, worker: PodWorker) -> None:
        task = spawn(f"pod {worker.pod.metadata.namespace}/{worker.pod.metadata.name}", worker.run())
        self._tasks[worker.uid] = task
        task.add_done_callback(lambda t: self._ended(worker, t))

    def _ended(self, worker: PodWorker, task: asyncio.Task[None]) -> None:
        self._tasks.pop(worker.uid, None)
        if task.cancelled():
            return
        self._workers.pop(worker.uid, None)
        if task.exception() is not None and not worker.removed:
            spawn(f"another worker for {worker.uid}", self._again(worker.pod, static=worker.mirrored))

    async def _again(self, pod: core_v1.Pod, *, static: bool) -> None:
        await self._s.clock.sleep(RESTART_S)
        self.added(pod, static=static)

    def _container_changed(self, pod_uid: str) -> None:
        worker = self._workers.get(pod_uid)
        if worker is not None:
            worker.wake()

    # -- what belongs to nobody ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Sweep now and every SWEEP_S. Begin only when the informer and Docker's containers are known."""
        while True:
            await self.sweep()
            await self._s.clock.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """End and remove containers, addresses and folders of pods that are not (any more) ours."""
        known = set(self._workers)
        for uid in self._s.containers.pods() - known:
            log.info("removing containers of a pod that is gone uid=%s", uid)
            try:
                running = [c for c in self._s.containers.of_pod(uid) if c.running and not c.is_sandbox]
                await asyncio.gather(*(self._s.docker.stop(c.id, c.grace_s or 0) for c in running))
                await stopping.remove_containers(self._s, uid)
            except DockerError as error:
                log.warning("orphan not removed uid=%s: %s", uid, error)
        known = set(self._workers)
        try:
            await self._s.network.keep_only(known)
        except NetworkError as error:
            log.warning("addresses not freed: %s", error)
        for uid in self._s.volumes.pods() - known:
            await asyncio.to_thread(self._s.volumes.teardown, uid)

    async def stop(self) -> None:
        """Leave the containers running and end our own tasks."""
        await stop(*self._tasks.values())

"""What of ours there is in Docker: every container with a pod's labels, kept current by dockerd's events.

Names and labels are those of upstream's dockershim, so tools that know them go on working:
`k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`, and container `POD` for the sandbox that holds the pod's namespaces.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from provisioner.kube.kubelet.errors import DockerError
from provisioner.kube.kubelet.runtime import docker_types as types
from provisioner.kube.kubelet.runtime.docker import Docker

log = logging.getLogger(__name__)

POD_UID = "io.kubernetes.pod.uid"
POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
CONTAINER_NAME = "io.kubernetes.container.name"
TYPE = "io.kubernetes.docker.type"
SANDBOX_ID = "io.kubernetes.sandbox.id"
HASH = "annotation.io.kubernetes.container.hash"
ATTEMPT = "annotation.io.kubernetes.container.restartCount"
GRACE = "annotation.io.kubernetes.pod.terminationGracePeriod"
MESSAGE_FILE = "annotation.io.kubernetes.container.terminationMessageFile"
MESSAGE_POLICY = "annotation.io.kubernetes.container.terminationMessagePolicy"
SANDBOX = "POD"

# What can change a container's state; exec events are many and say nothing.
INTERESTING = {"create", "start", "die", "oom", "destroy", "kill", "pause", "unpause", "rename"}
RECONNECT_S = 1.0


@dataclass(frozen=True, slots=True)
class Container:
    """One container as Docker had it last. `exited` covers those that could not be started; times are RFC 3339 or empty."""

    id: str
    pod_uid: str
    pod_name: str
    pod_namespace: str
    name: str
    attempt: int
    sandbox_id: str
    hash: str
    running: bool
    exited: bool
    pid: int
    exit_code: int
    oom_killed: bool
    error: str
    created: str
    started_at: str
    finished_at: str
    image: str
    image_id: str
    tty: bool
    open_stdin: bool
    log_path: str
    message_file: str
    message_policy: str
    grace_s: int | None
    memory_bytes: int = 0
    cpu_shares: int = 0
    cpu_quota: int = 0

    @property
    def is_sandbox(self) -> bool:
        return self.name == SANDBOX


def docker_name(name: str, pod_name: str, namespace: str, uid: str, attempt: int) -> str:
    return f"k8s_{name}_{pod_name}_{namespace}_{uid}_{attempt}"


def _moment(text: str) -> str:
    return "" if text.startswith("0001-") else text


def view(found: types.Inspect) -> Container | None:
    """None for a container that is no pod's."""
    labels = found.config.labels or {}
    if POD_UID not in labels:
        return None
    state = found.state
    grace = labels.get(GRACE, "")
    # A start that failed leaves state "created" with an exit code.
    failed_start = state.status == "created" and state.exit_code != 0
    return Container(
        id=found.id,
        pod_uid=labels[POD_UID],
        pod_name=labels.get(POD_NAME, ""),
        pod_namespace=labels.get(POD_NAMESPACE, ""),
        name=labels.get(CONTAINER_NAME, ""),
        attempt=int(labels.get(ATTEMPT, "0") or 0),
        sandbox_id=labels.get(SANDBOX_ID, ""),
        hash=labels.get(HASH, ""),
        running=state.running,
        exited=state.status in ("exited", "dead", "removing") or failed_start,
        pid=state.pid,
        exit_code=state.exit_code,
        oom_killed=state.oom_killed,
        error=state.error,
        created=found.created,
        started_at=_moment(state.started_at),
        finished_at=_moment(state.finished_at) or (found.created if failed_start else ""),
        image=found.config.image,
        image_id=found.image,
        tty=found.config.tty,
        open_stdin=found.config.open_stdin,
        log_path=found.log_path,
        message_file=labels.get(MESSAGE_FILE, ""),
        message_policy=labels.get(MESSAGE_POLICY, ""),
        grace_s=int(grace) if grace.isdigit() else None,
        memory_bytes=found.host_config.memory,
        cpu_shares=found.host_config.cpu_shares,
        cpu_quota=found.host_config.cpu_quota,
    )


class Containers:
    """The cache. `on_change(pod_uid)` is called after each change, in the loop."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self._by_pod: dict[str, dict[str, Container]] = {}
        self._pod_of: dict[str, str] = {}
        self._listeners: list[Callable[[str], None]] = []
        self.synced = asyncio.Event()
        self.failure: str | None = "dockerd was not reached yet"

    def on_change(self, listener: Callable[[str], None]) -> None:
        self._listeners.append(listener)

    def of_pod(self, pod_uid: str) -> list[Container]:
        return list(self._by_pod.get(pod_uid, {}).values())

    def pods(self) -> set[str]:
        return set(self._by_pod)

    def all(self) -> Iterable[Container]:
        return [c for found in self._by_pod.values() for c in found.values()]

    async def refresh(self, container_id: str) -> Container | None:
        """Look at one container now; None when it is gone."""
        try:
            found = await self._docker.inspect(container_id)
        except DockerError as error:
            if error.status != 404:
                raise
            self.forget(container_id)
            return None
        seen = view(found)
        if seen is not None:
            self._keep(seen)
        return seen

    def forget(self, container_id: str) -> None:
        pod_uid = self._pod_of.pop(container_id, None)
        if pod_uid is not None:
            self._by_pod[pod_uid].pop(container_id, None)
            if not self._by_pod[pod_uid]:
                del self._by_pod[pod_uid]
            self._tell(pod_uid)

    def _keep(self, container: Container) -> None:
        known = self._by_pod.setdefault(container.pod_uid, {})
        if known.get(container.id) != container:
            known[container.id] = container
            self._pod_of[container.id] = container.pod_uid
            self._tell(container.pod_uid)

    def _tell(self, pod_uid: str) -> None:
        for listener in self._listeners:
            listener(pod_uid)

    async def run(self) -> None:
        """Follow dockerd's events for ever; after each connection everything is looked at once, so nothing is missed."""
        while True:
            try:
                await self._follow()
            except DockerError as error:
                if self.failure is None:
                    log.warning("dockerd lost: %s", error)
                self.failure = str(error)
                await asyncio.sleep(RECONNECT_S)

    async def _follow(self) -> None:
        events = self._docker.events(since_ns=await self._relist())
        async for event in events:
            if event.type != "container" or event.action not in INTERESTING:
                continue
            if POD_UID not in event.actor.attributes:
                continue
            if event.action == "destroy":
                self.forget(event.actor.id)
            else:
                await self.refresh(event.actor.id)
        raise DockerError(0, "dockerd ended the stream of events")

    async def _relist(self) -> int:
        """Look at everything; the moment before it, in Docker's time, to follow events from."""
        info = await self._docker.info()
        before = _unix_ns(str(info.get("SystemTime", "")))
        listed = await self._docker.containers((POD_UID,))
        for gone in set(self._pod_of) - {summary.id for summary in listed}:
            self.forget(gone)
        for summary in listed:
            known = self._by_pod.get((summary.labels or {}).get(POD_UID, ""), {}).get(summary.id)
            if known is None or known.running or summary.state == "running":
                await self.refresh(summary.id)
        self.failure = None
        self.synced.set()
        return before


def _unix_ns(text: str) -> int:
    from datetime import datetime

    head, _, rest = text.partition(".")
    digits = "".join(c for c in rest if c.isdigit())[:6]
    zone = rest.lstrip("0123456789") or ("Z" if not rest else "")
    try:
        moment = datetime.fromisoformat(f"{head}.{digits or '0'}{zone or 'Z'}")
    except ValueError:
        return 0
    return int(moment.timestamp() * 10**9)

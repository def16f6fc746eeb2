"""Static pods: manifests in a folder that run without the API server's say, shown there by mirror pods that only we keep.

A file's pod gets the node's name behind its own and an identity made from its content: a changed file is another pod, which starts when the
old one has ended. The mirror carries the identity in an annotation; a mirror that is deleted or belongs to an older content is made again.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import msgspec
import yaml

from provisioner.kube.api import codec, defaults
from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.clock import Clock
from provisioner.kube.kubelet.pod.pods import MIRROR, Pods
from provisioner.kube.kubelet.pod.status_writer import StatusWriter

log = logging.getLogger(__name__)

HASH = "kubernetes.io/config.hash"
SOURCE = "kubernetes.io/config.source"
SEEN = "kubernetes.io/config.seen"
# Looking at a folder costs next to nothing; upstream is told of changes by the kernel and looks every fileCheckFrequency besides.
CHECK_S = 2.0
MAX_BYTES = 10 * 1024 * 1024


def read_manifest(path: Path, node: str, now: str) -> core_v1.Pod:
    """The pod of a file. Raises ValueError with what is wrong."""
    raw = path.read_bytes()
    if len(raw) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes")
    try:
        document: Any = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != "Pod" or document.get("apiVersion") != "v1":
        raise ValueError("expected a v1 Pod")
    try:
        pod = codec.decode_dict(core_v1.Pod, document)
    except codec.DecodeError as error:
        raise ValueError(str(error)) from error
    if not pod.metadata.name or not pod.spec.containers:
        raise ValueError("metadata.name and spec.containers are required")
    identity = hashlib.md5(raw + f"host:{node}file:{path}".encode(), usedforsecurity=False).hexdigest()
    metadata = pod.metadata
    metadata.uid = metadata.uid or identity
    metadata.name = f"{metadata.name}-{node}".lower()
    metadata.namespace = metadata.namespace or "default"
    metadata.annotations = {**(metadata.annotations or {}), HASH: identity, SOURCE: "file", SEEN: now}
    pod.spec.node_name = node
    pod.spec.tolerations = [*(pod.spec.tolerations or ()), core_v1.Toleration(operator="Exists", effect="NoExecute")]
    pod.status = core_v1.PodStatus(phase="Pending")
    defaults.apply(pod)
    return pod


def mirror_of(pod: core_v1.Pod, node: core_v1.Node | None) -> core_v1.Pod:
    """The object that shows a static pod in the API."""
    mirror = msgspec.json.decode(msgspec.json.encode(pod), type=core_v1.Pod)
    metadata = mirror.metadata
    metadata.annotations = {**(metadata.annotations or {}), MIRROR: (metadata.annotations or {}).get(HASH, "")}
    metadata.uid = metadata.resource_version = metadata.creation_timestamp = None
    if node is not None:
        owner = meta_v1.OwnerReference(api_version="v1", kind="Node", name=node.metadata.name, uid=node.metadata.uid, controller=True)
        metadata.owner_references = [owner]
    mirror.status = core_v1.PodStatus()
    return mirror


class StaticPods:
    """Runs what lies in the folder. `observe` and `gone` are for mirrors that the pod informer sees."""

    def __init__(self, folder: Path, node: str, pods: Pods, statuses: StatusWriter, client: Client, clock: Clock) -> None:
        self._folder, self._node, self._pods, self._statuses = folder, node, pods, statuses
        self._client, self._clock = client, clock
        self._running: dict[str, core_v1.Pod] = {}
        self._read: dict[str, tuple[tuple[int, int], core_v1.Pod | None]] = {}
        self._mirrors: dict[tuple[str | None, str | None], core_v1.Pod] = {}
        self._may_mirror = False

    # -- files -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        while True:
            self.check()
            if self._may_mirror:
                await self._sync_mirrors()
            await self._clock.sleep(CHECK_S)

    def check(self) -> None:
        """Start and end pods so that those of the folder run."""
        wanted = self._wanted()
        for uid in set(self._running) - set(wanted):
            old = self._running.pop(uid)
            log.info("static pod ends pod=%s/%s", old.metadata.namespace, old.metadata.name)
            self._pods.deleted(old)
        for uid, pod in wanted.items():
            if uid not in self._running and self._pods.find(pod.metadata.namespace or "", pod.metadata.name or "") is None:
                log.info("static pod begins pod=%s/%s", pod.metadata.namespace, pod.metadata.name)
                self._running[uid] = pod
                self._statuses.mirrored(uid)
                self._pods.added(pod, static=True)

    def _wanted(self) -> dict[str, core_v1.Pod]:
        found: dict[str, core_v1.Pod] = {}
        seen = set()
        for path in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            if path.name.startswith(".") or not path.is_file():
                continue
            seen.add(path.name)
            pod = self._pod_of(path)
            if pod is not None:
                found[pod.metadata.uid or ""] = pod
        for name in set(self._read) - seen:
            del self._read[name]
        return found

    def _pod_of(self, path: Path) -> core_v1.Pod | None:
        """The file's pod; read again only when the file changed. A file that is wrong runs nothing, and is told of once."""
        try:
            there = path.stat()
            version = (there.st_mtime_ns, there.st_size)
            known = self._read.get(path.name)
            if known is not None and known[0] == version:
                return known[1]
            pod = read_manifest(path, self._node, rfc3339(self._clock.now()))
        except (OSError, ValueError) as error:
            log.error("static pod not read file=%s: %s", path, error)
            pod = None
        self._read[path.name] = (version, pod)
        return pod

    # -- mirrors ---------------------------------------------------------------------------------------------------

    def observe(self, pod: core_v1.Pod) -> None:
        """The API has this pod; one that is no mirror is passed over."""
        if MIRROR in (pod.metadata.annotations or {}):
            self._mirrors[pod.metadata.namespace, pod.metadata.name] = pod

    def gone(self, pod: core_v1.Pod) -> None:
        self._mirrors.pop((pod.metadata.namespace, pod.metadata.name), None)

    def begin_mirrors(self) -> None:
        """The API's pods of this node are known: mirrors that are not among them are to be made."""
        self._may_mirror = True

    async def _sync_mirrors(self) -> None:
        """A right mirror for each static pod, and none for those that are no more. Safe to do again at any time."""
        for pod in list(self._running.values()):
            await self._sync_mirror(pod)
        names = {(pod.metadata.namespace, pod.metadata.name) for pod in self._running.values()}
        for key, stale in list(self._mirrors.items()):
            if key not in names:
                await self._delete(stale)

    async def _sync_mirror(self, pod: core_v1.Pod) -> None:
        key = (pod.metadata.namespace, pod.metadata.name)
        known = self._mirrors.get(key)
        identity = (pod.metadata.annotations or {}).get(HASH)
        if known is not None and ((known.metadata.annotations or {}).get(MIRROR) != identity or known.metadata.deletion_timestamp):
            await self._delete(known)
            known = None
        if known is None:
            try:
                node = await self._client.get(core_v1.Node, self._node)
                known = self._mirrors[key] = await self._client.create(mirror_of(pod, node))
            except (StatusError, ConnectionFailed) as error:
                log.warning("mirror pod not made pod=%s/%s: %s", *key, error)
                return
        self._statuses.mirrored(pod.metadata.uid or "", known.metadata.uid)

    async def _delete(self, mirror: core_v1.Pod) -> None:
        metadata = mirror.metadata
        try:
            await self._client.delete(core_v1.Pod, metadata.name or "", metadata.namespace, grace_period_s=0, uid=metadata.uid)
        except (StatusError, ConnectionFailed) as error:
            if not (isinstance(error, StatusError) and error.code in (404, 409)):
                log.warning("mirror pod not deleted pod=%s/%s: %s", metadata.namespace, metadata.name, error)
                return
        self._mirrors.pop((metadata.namespace, metadata.name), None)

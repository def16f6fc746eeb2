"""Garbage collection: dependents whose owners are gone go too; owners that wait for their dependents, or let them go, are finished here.

Only metadata is held, by PartialObjectMetadata watches of every resource. A dependent that seems orphaned is checked at the server, owner by
owner, before it is deleted: the watches may be behind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import msgspec

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.controllers.controller import Controller, Parts

log = logging.getLogger(__name__)

ACCEPT_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
ACCEPT_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
ACCEPT_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
DISCOVERY_S = 30.0
RETRY_S = 2.0
WATCH_S = 300
# Kinds that own nothing and are owned by nothing.
IGNORED = {"events", "componentstatuses", "bindings"}
Metadata = meta_v1.ObjectMeta


class _Partial(msgspec.Struct):
    metadata: Metadata


class _List(msgspec.Struct):
    metadata: meta_v1.ListMeta
    items: list[_Partial]


class _ResponseKind(msgspec.Struct):
    kind: str


class _Resource(msgspec.Struct, rename="camel"):
    resource: str
    scope: str
    verbs: list[str] = []
    response_kind: _ResponseKind | None = None


class _Version(msgspec.Struct):
    version: str
    resources: list[_Resource] = []


class _Group(msgspec.Struct):
    """A group's versions, the preferred one first (apidiscovery.k8s.io/v2 APIGroupDiscovery)."""

    metadata: Metadata
    versions: list[_Version] = []


class _Discovery(msgspec.Struct):
    items: list[_Group]


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


@dataclass(slots=True)
class Node:
    """One object of the graph: where it is, and what owns it."""

    path: str
    namespace: str
    name: str
    owners: tuple[meta_v1.OwnerReference, ...] = ()
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    dependents: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{self.path.replace('{namespace}', self.namespace)}/{self.name}"


class Graph:
    """Objects by uid, and who depends on whom."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        # dependents of uids that we have no object of
        self.waiting: dict[str, set[str]] = {}

    def put(self, uid: str, node: Node) -> None:
        old = self.nodes.get(uid)
        for owner in old.owners if old is not None else ():
            self._dependents(owner.uid or "").discard(uid)
        node.dependents = old.dependents if old is not None else self.waiting.pop(uid, set())
        self.nodes[uid] = node
        for owner in node.owners:
            self._dependents(owner.uid or "").add(uid)

    def remove(self, uid: str) -> set[str]:
        """The dependents that are left behind."""
        node = self.nodes.pop(uid, None)
        if node is None:
            return set()
        for owner in node.owners:
            self._dependents(owner.uid or "").discard(uid)
        if node.dependents:
            self.waiting[uid] = node.dependents
        return set(node.dependents)

    def _dependents(self, uid: str) -> set[str]:
        node = self.nodes.get(uid)
        return node.dependents if node is not None else self.waiting.setdefault(uid, set())


class GarbageCollector(Controller):
    """Keys are uids."""

    name = "garbage-collector"
    workers = 4

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._graph = Graph()
        self._monitors: dict[str, asyncio.Task[None]] = {}
        # (group/version, kind) -> path, to look owners up
        self._paths: dict[tuple[str, str], str] = {}
        # uids of dependents of a kind that nobody serves, or that discovery has not met yet
        self._unjudged: set[str] = set()

    async def run(self) -> None:
        discovering = spawn(f"{self.name} discovery", self._discover_for_ever())
        try:
            await super().run()
        finally:
            await stop(discovering, *self._monitors.values())

    async def _discover_for_ever(self) -> None:
        while True:
            try:
                await self._discover()
            except (StatusError, ConnectionFailed) as error:
                log.warning("discovery failed: %s", error)
            await self.clock.sleep(DISCOVERY_S)

    async def _discover(self) -> None:
        found: set[str] = set()
        known = set(self._paths)
        for root in ("/api", "/apis"):
            groups = msgspec.json.decode(await self.client.raw("GET", root, accept=ACCEPT_DISCOVERY), type=_Discovery).items
            for group in groups:
                self._learn(root, group, found)
        for gone in set(self._monitors) - found:
            await stop(self._monitors.pop(gone))
        if self._paths.keys() - known:
            for uid in self._unjudged:
                self.queue.add(uid)
            self._unjudged.clear()

    def _learn(self, root: str, group: _Group, found: set[str]) -> None:
        """A kind has a path in every version, and is watched in the first (the preferred) one that has it."""
        watched: set[str] = set()
        for version in group.versions:
            path = "/".join(filter(None, (root, group.metadata.name, version.version)))
            for resource in version.resources:
                kind, name = resource.response_kind, resource.resource
                if kind is None:  # only its parts are served
                    continue
                where = f"{path}/namespaces/{{namespace}}/{name}" if resource.scope == "Namespaced" else f"{path}/{name}"
                self._paths["/".join(filter(None, (group.metadata.name, version.version))), kind.kind] = where
                usable = {"list", "watch", "delete"} <= set(resource.verbs) and name not in IGNORED
                if usable and name not in watched:
                    watched.add(name)
                    collection = f"{path}/{name}"
                    found.add(collection)
                    if collection not in self._monitors:
                        self._monitors[collection] = spawn(f"garbage {name}", self._monitor(collection, where))

    async def _monitor(self, collection: str, where: str) -> None:
        mine: set[str] = set()
        while True:
            try:
                version = await self._list(collection, where, mine)
                while True:
                    version = await self._watch(collection, where, version, mine)
            except (StatusError, ConnectionFailed, aiohttp.ClientError, TimeoutError, OSError) as error:
                log.debug("metadata watch ended collection=%s: %s", collection, error)
            await self.clock.sleep(RETRY_S)

    async def _list(self, collection: str, where: str, mine: set[str]) -> str:
        listed = msgspec.json.decode(await self.client.raw("GET", collection, accept=ACCEPT_LIST), type=_List)
        seen = set()
        for item in listed.items:
            seen.add(item.metadata.uid or "")
            self._put(where, item.metadata)
        for uid in mine - seen:
            self._removed(uid)
        mine.clear()
        mine |= seen
        return listed.metadata.resource_version or ""

    async def _watch(self, collection: str, where: str, version: str, mine: set[str]) -> str:
        async for event in self._events(collection, version):
            if event.type == "ERROR":
                raise StatusError.from_status(msgspec.json.decode(bytes(event.object)), 410)
            metadata = msgspec.json.decode(event.object, type=_Partial).metadata
            version = metadata.resource_version or version
            if event.type == "DELETED":
                mine.discard(metadata.uid or "")
                self._removed(metadata.uid or "")
            elif event.type != "BOOKMARK":
                mine.add(metadata.uid or "")
                self._put(where, metadata)
        return version

    async def _events(self, collection: str, version: str) -> AsyncIterator[_Event]:
        params = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_S)}
        async for line in self.client.lines(collection, params=params, accept=ACCEPT_WATCH, silence_s=WATCH_S + 30):
            yield msgspec.json.decode(line, type=_Event)

    def _put(self, where: str, metadata: Metadata) -> None:
        uid = metadata.uid or ""
        owners = tuple(metadata.owner_references or ())
        node = Node(
            where,
            metadata.namespace or "",
            metadata.name or "",
            owners,
            metadata.deletion_timestamp is not None,
            tuple(metadata.finalizers or ()),
        )
        before = self._graph.nodes.get(uid)
        if before is not None and (before.owners, before.deleting, before.finalizers) == (owners, node.deleting, node.finalizers):
            return  # as most changes are: a lease renewed, a status written
        self._graph.put(uid, node)
        if before is not None and before.owners != owners:
            # An owner that waits for its dependents may not have to wait for this one any more.
            self._look_at_owners(before)
        if owners or (node.deleting and {"orphan", "foregroundDeletion"} & set(node.finalizers)):
            self.queue.add(uid)

    def _removed(self, uid: str) -> None:
        node = self._graph.nodes.get(uid)
        for dependent in self._graph.remove(uid):
            self.queue.add(dependent)
        if node is not None:
            self._look_at_owners(node)

    def _look_at_owners(self, node: Node) -> None:
        for owner in node.owners:
            above = self._graph.nodes.get(owner.uid or "")
            if above is not None and above.deleting:
                self.queue.add(owner.uid or "")

    # -- deciding --------------------------------------------------------------------------------------------------

    async def reconcile(self, key: str) -> float | None:
        node = self._graph.nodes.get(key)
        if node is None:
            return None
        if node.deleting and "orphan" in node.finalizers:
            return await self._let_go(key, node)
        if node.deleting and "foregroundDeletion" in node.finalizers:
            return await self._finish_foreground(key, node)
        if node.deleting or not node.owners:
            return None
        return await self._judge(key, node)

    async def _judge(self, uid: str, node: Node) -> float | None:
        """Delete a dependent none of whose owners is there any more; forget single owners that are gone."""
        solid: list[meta_v1.OwnerReference] = []
        dangling: list[meta_v1.OwnerReference] = []
        waiting: list[meta_v1.OwnerReference] = []
        for owner in node.owners:
            known = self._graph.nodes.get(owner.uid or "")
            if known is not None:
                (waiting if known.deleting and "foregroundDeletion" in known.finalizers else solid).append(owner)
            elif (owner.api_version or "", owner.kind or "") not in self._paths:
                # A kind that nobody serves: it may come, or come back, so its dependents stay.
                self._unjudged.add(uid)
                solid.append(owner)
            elif await self._exists(node, owner):
                solid.append(owner)
            else:
                dangling.append(owner)
        if solid:
            if dangling or waiting:
                gone = {o.uid for o in [*dangling, *waiting]}
                await self._patch(
                    node, {"metadata": {"uid": uid, "ownerReferences": msgspec.to_builtins([o for o in node.owners if o.uid not in gone])}}
                )
            return None
        if waiting and node.dependents:
            await self._unblock_circle(uid, node)
            await self._delete(uid, node, "Foreground")
        else:
            await self._delete(uid, node, "Background")
        return None

    async def _unblock_circle(self, uid: str, node: Node) -> None:
        """Where a dependent waits for its own dependents already, each may wait for the other: this one holds nobody up any more."""
        below = [self._graph.nodes.get(dependent) for dependent in node.dependents]
        if not any(n is not None and n.deleting and "foregroundDeletion" in n.finalizers for n in below):
            return
        owners = [msgspec.structs.replace(owner, block_owner_deletion=False) for owner in node.owners]
        await self._patch(node, {"metadata": {"uid": uid, "ownerReferences": msgspec.to_builtins(owners)}})

    async def _exists(self, node: Node, owner: meta_v1.OwnerReference) -> bool:
        path = self._paths[owner.api_version or "", owner.kind or ""]
        try:
            found = msgspec.json.decode(
                await self.client.raw("GET", f"{path.replace('{namespace}', node.namespace)}/{owner.name}"), type=_Partial
            )
        except StatusError as error:
            if error.code == 404:
                return False
            raise
        return found.metadata.uid == owner.uid

    async def _finish_foreground(self, uid: str, node: Node) -> float | None:
        """An owner in foreground deletion goes when none of its blocking dependents is left."""
        blocking = []
        for dependent in node.dependents:
            below = self._graph.nodes.get(dependent)
            if below is None:
                continue
            if any(o.uid == uid and o.block_owner_deletion for o in below.owners):
                blocking.append(dependent)
            if not below.deleting:
                self.queue.add(dependent)
        if not blocking:
            await self._without_finalizer(uid, node, "foregroundDeletion")
        return None

    async def _let_go(self, uid: str, node: Node) -> float | None:
        """Orphan: the dependents lose this owner, then the owner its finalizer."""
        for dependent in list(node.dependents):
            below = self._graph.nodes.get(dependent)
            if below is not None:
                kept = msgspec.to_builtins([o for o in below.owners if o.uid != uid])
                await self._patch(below, {"metadata": {"uid": dependent, "ownerReferences": kept}})
        await self._without_finalizer(uid, node, "orphan")
        return None

    async def _without_finalizer(self, uid: str, node: Node, finalizer: str) -> None:
        await self._patch(node, {"metadata": {"uid": uid, "finalizers": [f for f in node.finalizers if f != finalizer]}})

    async def _patch(self, node: Node, body: object) -> None:
        try:
            await self.client.raw("PATCH", node.url, body=msgspec.json.encode(body), content_type="application/merge-patch+json")
        except StatusError as error:
            if error.code != 404:
                raise

    async def _delete(self, uid: str, node: Node, policy: str) -> None:
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy, "preconditions": {"uid": uid}}
        try:
            await self.client.raw("DELETE", node.url, body=msgspec.json.encode(options))
            log.info("deleted dependent object=%s", node.url)
        except StatusError as error:
            if error.code not in (404, 409):
                raise

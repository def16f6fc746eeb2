"""Informers: a local copy of one kind's objects, kept by list and watch, with handlers that are told of each change.

What holds: after `synced` is set the store is the server's state at some moment that only moves forward; every handler sees each object's
last state eventually; intermediate states may be skipped (a relist gives only the difference). What doesn't: order between objects or
between kinds. Objects in the store are shared: nobody may change one in place (`msgspec.structs.replace` or a decode of an encode copies).
"""

from __future__ import annotations

import asyncio
import builtins
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from provisioner.kube.api._generated.resources import resource_of
from provisioner.kube.api._generated.scalars import Object
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.tasks import spawn, stop

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Object)
Indexer = Callable[[Any], Iterable[str]]

# Objects of one list request; a page is what the server encodes and we decode without giving others a turn.
PAGE = 500
FIRST_BACKOFF_S = 0.2
# Short, since a daemon that waits long after its API server came back holds the whole cluster up.
MAX_BACKOFF_S = 5.0


def key_of(obj: Any) -> str:
    """`namespace/name`, or `name` where the kind has no namespace."""
    metadata = obj.metadata
    return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else str(metadata.name)


def split_key(key: str) -> tuple[str | None, str]:
    """The (namespace, name) of a key."""
    namespace, slash, name = key.rpartition("/")
    return (namespace if slash else None), name


class Store(Generic[K]):
    """Objects by key, by namespace and by the informer's indexers. Read it freely; only its informer writes."""

    def __init__(self, indexers: Mapping[str, Indexer]) -> None:
        self._objects: dict[str, K] = {}
        self._indexers = {"namespace": _namespaces, **indexers}
        # index name -> value -> keys, in order of arrival
        self._indices: dict[str, dict[str, dict[str, None]]] = {name: {} for name in self._indexers}

    def get(self, key: str) -> K | None:
        return self._objects.get(key)

    def list(self, namespace: str | None = None) -> builtins.list[K]:
        return [*self._objects.values()] if namespace is None else self.by_index("namespace", namespace)

    def keys(self) -> builtins.list[str]:
        return [*self._objects]

    def by_index(self, name: str, value: str) -> builtins.list[K]:
        return [self._objects[key] for key in self._indices[name].get(value, ())]

    def __len__(self) -> int:
        return len(self._objects)

    def add_indexer(self, name: str, indexer: Indexer) -> None:
        """One more way to look objects up; may be added while the informer runs."""
        self._indexers[name] = indexer
        index = self._indices[name] = {}
        for key, obj in self._objects.items():
            for value in indexer(obj):
                index.setdefault(value, {})[key] = None

    def put(self, key: str, obj: K) -> K | None:
        old = self._objects.get(key)
        for name, indexer in self._indexers.items():
            index = self._indices[name]
            new_values = set(indexer(obj))
            old_values = set(indexer(old)) if old is not None else set()
            for value in old_values - new_values:
                _drop(index, value, key)
            for value in new_values - old_values:
                index.setdefault(value, {})[key] = None
        self._objects[key] = obj
        return old

    def remove(self, key: str) -> K | None:
        old = self._objects.pop(key, None)
        if old is not None:
            for name, indexer in self._indexers.items():
                for value in set(indexer(old)):
                    _drop(self._indices[name], value, key)
        return old


def _namespaces(obj: Any) -> Iterable[str]:
    return (obj.metadata.namespace,) if obj.metadata.namespace else ()


def _drop(index: dict[str, dict[str, None]], value: str, key: str) -> None:
    keys = index.get(value)
    if keys is not None:
        keys.pop(key, None)
        if not keys:
            del index[value]


class Informer(Generic[K]):
    """One kind, list and watch for ever. Handlers run in the loop, synchronously: they enqueue a key, and no more."""

    def __init__(
        self,
        client: Client,
        kind: type[K],
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        indexers: Mapping[str, Indexer] | None = None,
    ) -> None:
        self._client = client
        self._kind = kind
        self._namespace = namespace
        self._selectors: dict[str, Any] = {"label_selector": label_selector, "field_selector": field_selector}
        self._adds: list[Callable[[K], None]] = []
        self._updates: list[Callable[[K, K], None]] = []
        self._deletes: list[Callable[[K], None]] = []
        self.store: Store[K] = Store(indexers or {})
        self.synced = asyncio.Event()
        self.name = resource_of(kind).plural

    def add_handler(
        self,
        on_add: Callable[[K], None] | None = None,
        on_update: Callable[[K, K], None] | None = None,
        on_delete: Callable[[K], None] | None = None,
    ) -> None:
        """Be told of changes; what the store holds already is told at once, as adds."""
        if on_add is not None:
            self._adds.append(on_add)
            for obj in self.store.list():
                on_add(obj)
        if on_update is not None:
            self._updates.append(on_update)
        if on_delete is not None:
            self._deletes.append(on_delete)

    def on_change(self, handler: Callable[[K], None]) -> None:
        """One handler for add, update (the new object) and delete (the last known one)."""
        self.add_handler(handler, lambda _, new: handler(new), handler)

    async def run(self) -> None:
        """List, watch, and start over with backoff when the watch can't go on. Ends only by cancellation."""
        failures = 0
        version: str | None = None
        while True:
            try:
                if version is None:
                    version = await self._relist()
                started = version
                version = await self._watch(version)
                failures = 0 if version != started else min(failures, 1)
            except StatusError as error:
                if error.code == 410:
                    log.info("watch expired resource=%s: listing again", self.name)
                else:
                    failures += 1
                    log.warning("list or watch refused resource=%s code=%d: %s", self.name, error.code, error.message)
                version = None
            except ConnectionFailed as error:
                failures += 1
                log.warning("API server unreachable resource=%s: %s", self.name, error)
                version = self._last_version
            if failures:
                await asyncio.sleep(min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(failures, 8)) * random.uniform(0.5, 1.0))

    _last_version: str | None = None

    async def _relist(self) -> str:
        seen: set[str] = set()
        continue_: str | None = None
        while True:
            page = await self._client.list(self._kind, self._namespace, limit=PAGE, continue_=continue_, **self._selectors)
            for obj in page.items:
                key = key_of(obj)
                seen.add(key)
                self._changed(key, obj)
            continue_ = page.continue_
            if not continue_:
                break
        for key in set(self.store.keys()) - seen:
            self._deleted(key, None)
        self._last_version = page.resource_version
        self.synced.set()
        return page.resource_version

    async def _watch(self, version: str) -> str:
        async for event in self._client.watch(self._kind, self._namespace, resource_version=version, **self._selectors):
            obj = event.object
            version = self._last_version = obj.metadata.resource_version or version  # type: ignore[attr-defined]
            if event.type == "DELETED":
                self._deleted(key_of(obj), obj)
            elif event.type != "BOOKMARK":
                self._changed(key_of(obj), obj)
        return version

    def _changed(self, key: str, obj: K) -> None:
        old = self.store.put(key, obj)
        if old is None:
            for added in self._adds:
                added(obj)
        elif _version(old) != _version(obj):
            for updated in self._updates:
                updated(old, obj)

    def _deleted(self, key: str, last: K | None) -> None:
        old = self.store.remove(key)
        if old is not None:
            for deleted in self._deletes:
                deleted(last or old)


def _version(obj: Any) -> str | None:
    version: str | None = obj.metadata.resource_version
    return version


class InformerSet:
    """One shared informer for each kind of a daemon; its owner starts and stops them together."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._informers: dict[type[Object], Informer[Any]] = {}
        self._tasks: dict[type[Object], asyncio.Task[None]] = {}

    def get(self, kind: type[K]) -> Informer[K]:
        if kind not in self._informers:
            self._informers[kind] = Informer(self.client, kind)
        informer: Informer[K] = self._informers[kind]
        return informer

    def start(self) -> None:
        """Run every informer asked for so far; may be called again after more were."""
        for kind, informer in self._informers.items():
            if kind not in self._tasks:
                self._tasks[kind] = spawn(f"informer {informer.name}", informer.run())

    async def wait_synced(self, timeout_s: float | None = None) -> None:
        """Until every informer has its first list. Raises TimeoutError naming those that have not."""
        try:
            async with asyncio.timeout(timeout_s):
                for informer in self._informers.values():
                    await informer.synced.wait()
        except TimeoutError:
            missing = sorted(i.name for i in self._informers.values() if not i.synced.is_set())
            raise TimeoutError(f"no first list after {timeout_s} s of: {', '.join(missing)}") from None

    async def stop(self) -> None:
        await stop(*self._tasks.values())
        self._tasks.clear()

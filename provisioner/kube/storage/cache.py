"""The watch cache: every object as its encoded JSON bytes, in key order, fed by one etcd watch over everything.

A get writes those bytes; a list joins them; a watch event is encoded once and the same bytes go to every watcher. What selectors need
(labels, selectable fields) lies beside the bytes. Reads that must be consistent first ask etcd for its revision (one question for all who
ask at the same time) and wait until the cache has seen it.
"""

from __future__ import annotations

import asyncio
import bisect
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.storage import versions
from provisioner.kube.storage._generated import etcd_pb2 as pb
from provisioner.kube.storage.encryption import ROOT as ROOT
from provisioner.kube.storage.encryption import Vault
from provisioner.kube.storage.etcd import Compacted, Etcd, EtcdError, prefix_end

log = logging.getLogger(__name__)

PAGE = 500
# Events kept for each resource, for watches that begin in the past: all of the last 75 s, as upstream, within these numbers.
FRESH_S = 75.0
HISTORY_MIN = 128
HISTORY_MAX = 8192
# Events that may wait for one watcher; a slower one is cut off and lists again, as upstream does.
WATCHER_EVENTS = 10_000
# Upstream's wait for a version that is asked for.
CATCH_UP_S = 3.0

# Namespaces of a resource whose objects lie in a list of their own between two changes.
KEPT_PAGES = 16

# The character behind "/": where a namespace's keys end.
AFTER_SLASH = "0"

Facts = tuple[Mapping[str, str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One object. `data` has its resourceVersion inside; `facts` are (labels, selectable fields)."""

    key: str
    version: int
    data: bytes
    labels: Mapping[str, str]
    fields: Mapping[str, str]

    @property
    def revision(self) -> int:
        return versions.revision_of(self.version)


@dataclass(frozen=True, slots=True)
class Change:
    """`old` None: added; `new` None: deleted, and `last` is the object as it ended, at the deletion's version. `at` is monotonic, in s."""

    version: int
    old: Entry | None
    new: Entry | None
    last: Entry | None = None
    at: float = 0.0

    @property
    def key(self) -> str:
        entry = self.new or self.old
        return entry.key if entry is not None else ""


class Expired(Exception):
    """The version asked for is older than what is kept."""


class NotFresh(Exception):
    """The cache did not reach the wanted revision in time: etcd is away or we are overloaded."""


def with_version(body: bytes, version: int) -> bytes:
    """The stored JSON with its resourceVersion put in. Stored objects begin with apiVersion, kind and metadata, and have a uid."""
    at = body.index(b'"metadata":{') + 12
    return b'%b"resourceVersion":"%d",%b' % (body[:at], version, body[at:])


class Watcher:
    """A queue of changes; `cut` means that it was too slow and must end."""

    def __init__(self, accepts: Callable[[Change], bool]) -> None:
        self.accepts = accepts
        self.cut = False
        self._waiting: deque[Change] = deque()
        self._wake: asyncio.Future[None] | None = None

    def push(self, change: Change) -> None:
        if len(self._waiting) >= WATCHER_EVENTS:
            self.cut = True
        else:
            self._waiting.append(change)
        self.wake()

    def wake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def take(self, timeout_s: float) -> list[Change]:
        """Everything that waits, as soon as anything does; nothing after `timeout_s`."""
        if not self._waiting and not self.cut:
            self._wake = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake
            except TimeoutError:
                return []
            finally:
                self._wake = None
        return self.waiting()

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting)

    def waiting(self) -> list[Change]:
        """Everything that waits now."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken


class Collection:
    """The objects of one resource. Keys are `namespace/name` or `name`."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._sorted: list[str] | None = []
        # prefix -> what `page` gave for it since something changed
        self._pages: dict[str, list[Entry]] = {}
        self.history: deque[Change] = deque()
        # The highest version that has fallen out of the history: a watch must begin at or after it.
        self.forgotten = 0
        self.watchers: set[Watcher] = set()
        self.listeners: list[Callable[[Change], None]] = []

    def keys(self) -> list[str]:
        if self._sorted is None:
            self._sorted = sorted(self.entries)
        return self._sorted

    def page(self, prefix: str, after: str = "") -> list[Entry]:
        """Entries whose key starts with `prefix` ("" or `namespace/`) and is greater than `after`, in order. Nobody may change the list: without
        `after` it is the same one until an object changes."""
        if not after and prefix in self._pages:
            return self._pages[prefix]
        keys = self.keys()
        start = bisect.bisect_right(keys, after) if after else bisect.bisect_left(keys, prefix)
        end = bisect.bisect_left(keys, prefix[:-1] + AFTER_SLASH) if prefix else len(keys)
        found = list(map(self.entries.__getitem__, keys[start:end]))
        if not after and len(self._pages) < KEPT_PAGES:
            self._pages[prefix] = found
        return found

    def apply(self, key: str, new: Entry | None, version: int) -> None:
        old = self.entries.get(key)
        last = None
        if new is None:
            if old is None:
                return
            del self.entries[key]
            if self._sorted is not None:
                del self._sorted[bisect.bisect_left(self._sorted, key)]
            last = Entry(key, version, _replace_version(old, version), old.labels, old.fields)
        else:
            if old is None and self._sorted is not None:
                bisect.insort(self._sorted, key)
            self.entries[key] = new
        self._pages.clear()
        change = Change(version, old, new, last, time.monotonic())
        self.history.append(change)
        self.forget(change.at - FRESH_S)
        for listener in self.listeners:
            listener(change)
        for watcher in self.watchers:
            if watcher.accepts(change):
                watcher.push(change)

    def forget(self, before: float) -> None:
        """Changes of which no watch may ask to be told again: older than `before` (time.monotonic), but for the last ones."""
        while len(self.history) > HISTORY_MIN and (self.history[0].at < before or len(self.history) > HISTORY_MAX):
            self.forgotten = self.history.popleft().version


def _replace_version(entry: Entry, version: int) -> bytes:
    return entry.data.replace(b'"resourceVersion":"%d"' % entry.version, b'"resourceVersion":"%d"' % version, 1)


class WatchCache:
    """All collections. `facts` gives (labels, fields) of a stored JSON of a resource prefix such as `core/pods`."""

    def __init__(self, etcd: Etcd, facts: Callable[[str, bytes], Facts], vault: Vault | None = None, root: bytes = ROOT) -> None:
        self._etcd, self._facts, self._vault, self._root = etcd, facts, vault or Vault(root), root
        # group/plural/key of objects that are not sealed by their resource's present key
        self.stale: set[str] = set()
        # What is stored and can't be read (its key is not configured, it was tampered with), with its revision.
        self.unreadable: dict[str, int] = {}
        self.collections: dict[str, Collection] = {}
        self.revision = 0
        # Where the first load was: nothing before it is known.
        self._loaded_revision = 0
        self.failure: str | None = "not loaded yet"
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        # Done when the next question for etcd's revision is answered and the cache is there: for all who came since the last was sent.
        self._fresh: asyncio.Future[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None

    def collection(self, resource: str) -> Collection:
        """The collection of `group/plural`; made where there is none yet."""
        found = self.collections.get(resource)
        if found is None:
            found = self.collections[resource] = Collection()
            found.forgotten = versions.last_of(self._loaded_revision)
        return found

    def counts(self) -> dict[str, int]:
        """How many objects each collection has."""
        return {resource: len(collection.entries) for resource, collection in self.collections.items()}

    def all_stale(self) -> None:
        """Keys have changed: whatever is written next is sealed anew, changed or not; what is read afterwards says whether it is still needed."""
        self.stale.update(f"{resource}/{key}" for resource, found in self.collections.items() for key in found.entries)

    async def start(self) -> None:
        """Load everything, then follow."""
        await self._load()
        self._task = spawn("watch cache", self._follow())
        self._forgetting = spawn("watch cache's history", self._forget_for_ever())

    async def close(self) -> None:
        await stop(self._task, self._asking, self._forgetting)

    async def _forget_for_ever(self) -> None:
        """Changes are forgotten as others come; what changes no more is seen to here."""
        while True:
            await asyncio.sleep(FRESH_S)
            for collection in self.collections.values():
                collection.forget(time.monotonic() - FRESH_S)

    # -- reads -----------------------------------------------------------------------------------------------------

    async def fresh(self) -> None:
        """Wait until the cache has everything that was written before this call. Raises NotFresh or EtcdError."""
        await asyncio.shield(self.freshness())

    def freshness(self) -> asyncio.Future[None]:
        """What `fresh` waits for, shared with all who come before the question is sent: not to be cancelled. Ends with NotFresh or EtcdError."""
        if self._fresh is None:
            self._fresh = asyncio.get_running_loop().create_future()
            if self._asking is None or self._asking.done():
                self._asking = spawn("ask etcd's revision", self._ask())
        return self._fresh

    async def _ask(self) -> None:
        while (fresh := self._fresh) is not None:
            # Whoever comes while this question is on its way may come after its answer was found: the next one is theirs.
            self._fresh = None
            try:
                self._reach(await self._etcd.revision(), fresh)
            except EtcdError as error:
                fresh.set_exception(error)
                fresh.exception()  # perhaps nobody waits any more
            except BaseException:
                fresh.cancel()
                raise

    async def reach(self, revision: int) -> None:
        """Wait until the cache is at `revision` or later. Raises NotFresh."""
        if self.revision < revision:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._reach(revision, waiter)
            await waiter

    def _reach(self, revision: int, waiter: asyncio.Future[None]) -> None:
        """End `waiter` when the cache is at `revision`, or in CATCH_UP_S with NotFresh."""
        if self.revision >= revision:
            waiter.set_result(None)
            return
        entry = (revision, waiter)

        def give_up() -> None:
            if not waiter.done():
                waiter.set_exception(NotFresh(f"the cache is at revision {self.revision}, {revision} was asked for"))
                waiter.exception()

        timer = asyncio.get_running_loop().call_later(CATCH_UP_S, give_up)

        def ended(_: asyncio.Future[None]) -> None:
            timer.cancel()
            if entry in self._waiters:
                self._waiters.remove(entry)

        waiter.add_done_callback(ended)
        self._waiters.append(entry)

    async def past(self, resource: str, prefix: str, after: str, revision: int) -> list[Entry]:
        """What `Collection.page` would have given at a revision, from etcd's history. Raises Compacted, EtcdError."""
        below = self._root + f"{resource}/".encode()
        start = below + (f"{after}\0" if after else prefix).encode()
        end = prefix_end(below + prefix.encode())
        found: list[Entry] = []
        while True:
            page = await self._etcd.range(start, end, limit=PAGE, revision=max(revision, 1))
            found += [entry for _, entry in map(self._entry, page.kvs) if entry is not None]
            if not page.more:
                return found
            start = page.kvs[-1].key + b"\x00"

    def watch(self, resource: str, prefix: str, since: int, wants: Callable[[Change], bool] | None = None) -> tuple[Watcher, list[Change]]:
        """A registered watcher for keys with `prefix`, and the changes after version `since` that it missed. What it doesn't want does not wake
        it. Raises Expired."""
        collection = self.collection(resource)
        if since < collection.forgotten:
            raise Expired
        accepts = wants or (lambda _: True)
        watcher = Watcher((lambda change: change.key.startswith(prefix) and accepts(change)) if prefix else accepts)
        collection.watchers.add(watcher)
        return watcher, [change for change in collection.history if change.version > since and watcher.accepts(change)]

    def unwatch(self, resource: str, watcher: Watcher) -> None:
        self.collection(resource).watchers.discard(watcher)

    # -- feeding ---------------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        """Read all keys at one revision. Objects known from before are compared, so that watchers see what they missed."""
        start, end, revision = self._root, prefix_end(self._root), 0
        self.unreadable.clear()
        found: dict[str, dict[str, Entry]] = {}
        while True:
            page = await self._etcd.range(start, end, limit=PAGE, revision=revision)
            revision = revision or page.header.revision
            for kv in page.kvs:
                resource, entry = self._entry(kv)
                if resource and entry is not None:
                    found.setdefault(resource, {})[entry.key] = entry
            if not page.more:
                break
            start = page.kvs[-1].key + b"\x00"
        first = self.revision == 0
        self.revision = revision
        if first:
            self._loaded_revision = revision
        for resource in {*found, *self.collections}:
            self._reconcile(self.collection(resource), found.get(resource, {}), versions.last_of(revision), first)
        self.failure = None
        self._wake()

    def _reconcile(self, collection: Collection, entries: dict[str, Entry], version: int, first: bool) -> None:
        if first:
            collection.entries = entries
            collection._sorted = None
            collection._pages.clear()
            collection.forgotten = version
            for entry in entries.values():
                for listener in collection.listeners:
                    listener(Change(entry.version, None, entry))
            return
        for key in [key for key in collection.entries if key not in entries]:
            collection.apply(key, None, version)
        for key, entry in sorted(entries.items(), key=lambda item: item[1].version):
            known = collection.entries.get(key)
            if known is None or known.version != entry.version:
                collection.apply(key, entry, entry.version)

    def _entry(self, kv: pb.KeyValue) -> tuple[str, Entry | None]:
        path = kv.key[len(self._root) :].decode()
        group, _, rest = path.partition("/")
        plural, _, key = rest.partition("/")
        resource = f"{group}/{plural}"
        try:
            value, is_stale = self._vault.open(kv.key, kv.value)
            if is_stale:
                self.stale.add(path)
            elif self.stale:
                self.stale.discard(path)
            if self.unreadable:
                self.unreadable.pop(path, None)
            body, place = versions.unpack(value)
            labels, fields = self._facts(resource, body)
            version = versions.version_of(kv.mod_revision, place)
            return resource, Entry(key, version, with_version(body, version), labels, fields)
        except ValueError as error:
            log.error("stored object can't be read key=%s: %s", path, error)
            self.unreadable[path] = kv.mod_revision
            return resource, None

    async def _follow(self) -> None:
        while True:
            try:
                async for revision, events in self._etcd.watch(self._root, prefix_end(self._root), self.revision + 1):
                    for event in events:
                        self._apply(event)
                    self.revision = max(self.revision, revision)
                    self.failure = None
                    if self._waiters:
                        self._wake()
            except Compacted:
                log.warning("watch cache fell behind etcd's history: loading again")
                self.failure = "loading again"
                await self._reload()
            except EtcdError as error:
                self.failure = str(error)
                log.warning("watch cache lost etcd: %s", error)
                await asyncio.sleep(0.5)

    async def _reload(self) -> None:
        try:
            await self._load()
        except EtcdError as error:
            log.warning("watch cache can't load: %s", error)
            await asyncio.sleep(0.5)

    def _apply(self, event: pb.Event) -> None:
        if event.type == pb.Event.DELETE:
            path = event.kv.key[len(self._root) :].decode()
            group, _, rest = path.partition("/")
            plural, _, key = rest.partition("/")
            self.stale.discard(path)
            self.unreadable.pop(path, None)
            self.collection(f"{group}/{plural}").apply(key, None, versions.version_of(event.kv.mod_revision, 0))
            return
        resource, entry = self._entry(event.kv)
        if entry is not None:
            self.collection(resource).apply(entry.key, entry, entry.version)

    def _wake(self) -> None:
        for revision, waiter in list(self._waiters):
            if revision <= self.revision and not waiter.done():
                waiter.set_result(None)

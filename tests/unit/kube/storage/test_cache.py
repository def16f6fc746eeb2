"""Proves that the watch cache shows each change once, in order, to whom it concerns, and says so when it can't."""

from __future__ import annotations

import asyncio
import json

import pytest

from provisioner.kube.storage import versions
from provisioner.kube.storage._generated import etcd_pb2 as pb
from provisioner.kube.storage.cache import (
    FRESH_S,
    HISTORY_MAX,
    HISTORY_MIN,
    WATCHER_EVENTS,
    Change,
    Collection,
    Entry,
    Expired,
    NotFresh,
    WatchCache,
    Watcher,
    with_version,
)


def facts(resource: str, body: bytes) -> tuple[dict[str, str], dict[str, str]]:
    metadata = json.loads(body)["metadata"]
    return metadata.get("labels", {}), {"metadata.name": metadata["name"]}


def entry(key: str, version: int) -> Entry:
    return Entry(key, version, b'{"metadata":{"resourceVersion":"%d"}}' % version, {}, {})


class FakeEtcd:
    """Answers ranges from a dictionary; its revision is told from outside."""

    def __init__(self) -> None:
        self.now = 10
        self.asked = 0
        self.stored: dict[bytes, tuple[bytes, int]] = {}

    async def revision(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        return self.now

    async def range(self, key: bytes, end: bytes = b"", *, limit: int = 0, revision: int = 0) -> pb.RangeResponse:
        found = sorted((k, v) for k, v in self.stored.items() if key <= k < end)
        kvs = [pb.KeyValue(key=k, value=v, mod_revision=r) for k, (v, r) in found[:limit]]
        return pb.RangeResponse(header=pb.ResponseHeader(revision=self.now), kvs=kvs, more=len(found) > limit)


def made() -> tuple[FakeEtcd, WatchCache]:
    etcd = FakeEtcd()
    return etcd, WatchCache(etcd, facts)  # type: ignore[arg-type]


def put(cache: WatchCache, name: str, revision: int, place: int = 0) -> None:
    body = versions.pack(json.dumps({"metadata": {"name": name, "uid": "u"}}, separators=(",", ":")).encode(), place)
    kv = pb.KeyValue(key=f"/registry/core/pods/ns/{name}".encode(), value=body, mod_revision=revision)
    cache._apply(pb.Event(type=pb.Event.PUT, kv=kv))
    cache.revision = max(cache.revision, revision)


def test_version_is_put_in() -> None:
    assert with_version(b'{"kind":"A","metadata":{"name":"x"}}', 7) == b'{"kind":"A","metadata":{"resourceVersion":"7","name":"x"}}'


def test_pages_are_in_order_and_of_one_namespace() -> None:
    collection = Collection()
    for number, key in enumerate(["b/x", "a/z", "a/y", "ab/q", "a-b/c"]):
        collection.apply(key, entry(key, number + 1), number + 1)
    assert [e.key for e in collection.page("a/")] == ["a/y", "a/z"]
    assert [e.key for e in collection.page("")] == sorted(["b/x", "a/z", "a/y", "ab/q", "a-b/c"])
    assert [e.key for e in collection.page("", "a/y")] == ["a/z", "ab/q", "b/x"]
    collection.apply("a/y", None, 9)
    assert [e.key for e in collection.page("a/")] == ["a/z"]


def test_a_deletion_tells_of_the_last_state_at_its_own_version() -> None:
    collection = Collection()
    seen: list[Change] = []
    collection.listeners.append(seen.append)
    collection.apply("a/x", entry("a/x", 3), 3)
    collection.apply("a/x", None, 8)
    assert seen[1].new is None and seen[1].last is not None
    assert seen[1].last.data == b'{"metadata":{"resourceVersion":"8"}}'


async def test_load_then_watch_from_any_version_since() -> None:
    etcd, cache = made()
    etcd.stored[b"/registry/core/pods/ns/old"] = (b'{"metadata":{"name":"old"}}', 4)
    await cache._load()
    put(cache, "a", 11, 0)
    put(cache, "b", 11, 1)
    put(cache, "c", 12)
    _, missed = cache.watch("core/pods", "", versions.version_of(11, 0))
    assert [change.version for change in missed] == [versions.version_of(11, 1), versions.version_of(12, 0)]
    with pytest.raises(Expired):
        cache.watch("core/pods", "", versions.version_of(4, 0))


async def test_what_was_never_touched_can_be_watched_from_the_load_on() -> None:
    _, cache = made()
    await cache._load()
    put(cache, "a", 20)
    assert cache.watch("core/secrets", "", versions.last_of(10))[1] == []


async def test_history_that_is_full_forgets_the_oldest() -> None:
    _, cache = made()
    await cache._load()
    for number in range(HISTORY_MAX + 5):
        put(cache, "x", 100 + number)
    with pytest.raises(Expired):
        cache.watch("core/pods", "", versions.version_of(103, 0))
    _, missed = cache.watch("core/pods", "", versions.version_of(104, 0))
    assert len(missed) == HISTORY_MAX


async def test_history_forgets_what_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    _, cache = made()
    await cache._load()
    now = 1000.0
    monkeypatch.setattr("provisioner.kube.storage.cache.time.monotonic", lambda: now)
    for number in range(2 * HISTORY_MIN):
        put(cache, "x", 100 + number)
    assert len(cache.collection("core/pods").history) == 2 * HISTORY_MIN
    now += FRESH_S + 1
    put(cache, "x", 900)
    assert len(cache.collection("core/pods").history) == HISTORY_MIN


async def test_what_changes_no_more_is_forgotten_too(monkeypatch: pytest.MonkeyPatch) -> None:
    _, cache = made()
    await cache._load()
    for number in range(2 * HISTORY_MIN):
        put(cache, "x", 100 + number)
    monkeypatch.setattr("provisioner.kube.storage.cache.FRESH_S", 0.01)
    forgetting = asyncio.create_task(cache._forget_for_ever())
    async with asyncio.timeout(10):
        while len(cache.collection("core/pods").history) > HISTORY_MIN:
            await asyncio.sleep(0.01)
    forgetting.cancel()
    assert len(cache.collection("core/pods").history) == HISTORY_MIN


async def test_watchers_get_their_namespace_only_and_slow_ones_are_cut() -> None:
    _, cache = made()
    await cache._load()
    mine, _ = cache.watch("core/pods", "ns/", versions.last_of(10))
    other, _ = cache.watch("core/pods", "elsewhere/", versions.last_of(10))
    put(cache, "a", 11)
    assert [c.version for c in await mine.take(1)] == [versions.version_of(11, 0)]
    assert await other.take(0.01) == []
    slow = Watcher(lambda _: True)
    for _ in range(WATCHER_EVENTS + 1):
        slow.push(Change(1, None, None))
    assert slow.cut


async def test_a_watcher_is_woken_only_by_what_it_wants() -> None:
    _, cache = made()
    await cache._load()
    put(cache, "a", 11)
    picky, missed = cache.watch("core/pods", "ns/", versions.last_of(10), lambda change: change.key.endswith("/b"))
    assert missed == []
    put(cache, "a", 12)
    assert not picky.is_waiting
    put(cache, "b", 13)
    assert [c.key for c in await picky.take(1)] == ["ns/b"]


async def test_reload_shows_what_was_missed() -> None:
    etcd, cache = made()
    etcd.stored = {
        b"/registry/core/pods/ns/a": (b'{"metadata":{"name":"a"}}', 4),
        b"/registry/core/pods/ns/b": (b'{"metadata":{"name":"b"}}', 5),
    }
    await cache._load()
    watcher, _ = cache.watch("core/pods", "", versions.last_of(10))
    etcd.now = 30
    etcd.stored = {
        b"/registry/core/pods/ns/b": (b'{"metadata":{"name":"b"}}', 22),
        b"/registry/core/pods/ns/c": (b'{"metadata":{"name":"c"}}', 21),
    }
    await cache._load()
    changes = await watcher.take(1)
    assert [(c.old is not None, c.new is not None) for c in changes] == [(True, False), (False, True), (True, True)]


async def test_fresh_asks_once_for_many_and_waits_for_the_answer() -> None:
    etcd, cache = made()
    await cache._load()
    etcd.now = 15
    waiting = [asyncio.get_running_loop().create_task(cache.fresh()) for _ in range(20)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert not any(task.done() for task in waiting) and etcd.asked <= 2
    put(cache, "a", 15)
    cache._wake()
    await asyncio.gather(*waiting)


async def test_reach_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    _, cache = made()
    monkeypatch.setattr("provisioner.kube.storage.cache.CATCH_UP_S", 0.01)
    with pytest.raises(NotFresh):
        await cache.reach(99)


def test_after_a_change_of_keys_everything_is_written_again_once() -> None:
    from provisioner.kube.storage._generated import etcd_pb2 as pb
    from provisioner.kube.storage.encryption import Identity, Rule, SecretBox, Vault

    old, new = SecretBox("old", b"1" * 32), SecretBox("new", b"2" * 32)
    vault = Vault(b"/registry/", [Rule(("secrets",), (old, Identity()))])
    cache = WatchCache(None, lambda *_: ({}, {}), vault)  # type: ignore[arg-type]
    key, body = b"/registry/core/secrets/ns/a", b'{"metadata":{"uid":"u"}}'
    cache._apply(pb.Event(kv=pb.KeyValue(key=key, value=vault.seal(key, body), mod_revision=1)))
    assert cache.stale == set() and b'"uid":"u"' in cache.collection("core/secrets").entries["ns/a"].data
    vault.replace([Rule(("secrets",), (new, old))])
    cache.all_stale()
    assert cache.stale == {"core/secrets/ns/a"}
    cache._apply(pb.Event(kv=pb.KeyValue(key=key, value=vault.seal(key, body), mod_revision=2)))
    assert cache.stale == set()

"""Proves that an informer's store follows a server through lists, watches, lost connections and expired versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import expired
from provisioner.kube.client import informer as informer_module
from provisioner.kube.client.client import Client, ConnectionFailed, ListResult, WatchEvent
from provisioner.kube.client.informer import Informer, InformerSet, Store, key_of, split_key
from provisioner.kube.client.tasks import spawn, stop

ConfigMap = core_v1.ConfigMap


def config_map(name: str, version: int, **data: str) -> core_v1.ConfigMap:
    return ConfigMap(metadata=meta_v1.ObjectMeta(name=name, namespace="ns", resource_version=str(version)), data=data)


class Server:
    """A scripted API server: each watch plays the next script, an error at its end or silence."""

    def __init__(self, lists: list[ListResult[Any]], watches: list[list[Any]]) -> None:
        self.lists, self.watches, self.watched_from = lists, watches, list[str]()

    async def list(self, *_: Any, **__: Any) -> ListResult[Any]:
        return self.lists.pop(0)

    async def watch(self, *_: Any, resource_version: str, **__: Any) -> AsyncIterator[WatchEvent[Any]]:
        self.watched_from.append(resource_version)
        for step in self.watches.pop(0) if self.watches else [None]:
            if step is None:
                await asyncio.Event().wait()
            if isinstance(step, Exception):
                raise step
            assert isinstance(step, WatchEvent)
            yield step


async def follow(server: Server, until: int) -> tuple[Informer[Any], list[str]]:
    informer = Informer(server, ConfigMap, indexers={"first": lambda o: [o.metadata.name[0]]})  # type: ignore[arg-type]
    seen: list[str] = []
    informer.add_handler(
        lambda o: seen.append(f"+{key_of(o)}"),
        lambda old, new: seen.append(f"~{key_of(new)} {old.metadata.resource_version}>{new.metadata.resource_version}"),
        lambda o: seen.append(f"-{key_of(o)}"),
    )
    task = spawn("informer", informer.run())
    async with asyncio.timeout(5):
        while len(seen) < until:
            await asyncio.sleep(0.001)
    await stop(task)
    return informer, seen


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informer_module, "FIRST_BACKOFF_S", 0.0001)


async def test_pages_and_events() -> None:
    server = Server(
        [ListResult([config_map("a", 1)], "5", "next"), ListResult([config_map("b", 2)], "5")],
        [
            [
                WatchEvent("ADDED", config_map("c", 6)),
                WatchEvent("MODIFIED", config_map("a", 7)),
                WatchEvent("DELETED", config_map("b", 8)),
                None,
            ]
        ],
    )
    informer, seen = await follow(server, 5)
    assert seen == ["+ns/a", "+ns/b", "+ns/c", "~ns/a 1>7", "-ns/b"]
    assert [key_of(o) for o in informer.store.list("ns")] == ["ns/a", "ns/c"]
    assert [key_of(o) for o in informer.store.by_index("first", "c")] == ["ns/c"]
    assert informer.store.by_index("first", "b") == []


async def test_a_lost_connection_resumes_from_the_last_event() -> None:
    server = Server(
        [ListResult([config_map("a", 1)], "5")],
        [[WatchEvent("BOOKMARK", config_map("", 9)), ConnectionFailed("gone")], [WatchEvent("ADDED", config_map("b", 10)), None]],
    )
    _, seen = await follow(server, 2)
    assert server.watched_from == ["5", "9"]
    assert seen == ["+ns/a", "+ns/b"]


async def test_an_expired_version_lists_again_and_tells_the_difference() -> None:
    server = Server(
        [ListResult([config_map("a", 1), config_map("b", 2)], "5"), ListResult([config_map("a", 1), config_map("c", 20)], "21")],
        [[expired("too old")], [None]],
    )
    _, seen = await follow(server, 4)
    assert sorted(seen) == ["+ns/a", "+ns/b", "+ns/c", "-ns/b"]


def test_keys() -> None:
    assert split_key("ns/a") == ("ns", "a")
    assert split_key("node-1") == (None, "node-1")


POD = {"metadata": {"name": "a", "namespace": "ns", "resourceVersion": "1"}}


async def test_over_http_it_outlives_refusals_and_lost_connections(api: Any, client: Client) -> None:
    api.answers = [
        (500, {"message": "starting"}),
        (200, {"metadata": {"resourceVersion": "5"}, "items": [POD]}),
        api.streaming({"type": "ADDED", "object": {"metadata": {"name": "b", "namespace": "ns", "resourceVersion": "6"}}}, hold=False),
        api.hang_up,
        api.streaming({"type": "DELETED", "object": {**POD, "metadata": {**POD["metadata"], "resourceVersion": "8"}}}),
    ]
    informer = Informer(client, core_v1.Pod)
    task = spawn("informer", informer.run())
    async with asyncio.timeout(5):
        await informer.synced.wait()
        while informer.store.keys() != ["ns/b"]:
            await asyncio.sleep(0.005)
    await stop(task)
    assert [r.query.get("resourceVersion") for r in api.requests[2:5]] == ["5", "6", "6"]


async def test_a_set_shares_informers_and_names_who_is_late(api: Any, client: Client) -> None:
    api.answers = [(403, {"message": "not you"})]
    informers = InformerSet(client)
    assert informers.get(core_v1.Pod) is informers.get(core_v1.Pod)
    informers.start()
    with pytest.raises(TimeoutError, match=r"no first list after 0\.05 s of: pods"):
        await informers.wait_synced(0.05)
    await informers.stop()


def test_an_indexer_may_come_later() -> None:
    store: Store[Any] = Store({})
    store.put("ns/a", config_map("a", 1, colour="red"))
    store.add_indexer("colour", lambda o: [o.data["colour"]])
    store.put("ns/b", config_map("b", 2, colour="red"))
    store.put("ns/a", config_map("a", 3, colour="blue"))
    assert [key_of(o) for o in store.by_index("colour", "red")] == ["ns/b"]
    store.remove("ns/b")
    assert store.by_index("colour", "red") == []
    assert len(store) == 1

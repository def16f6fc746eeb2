"""Proves that an informer's store follows a server through lists, watches, lost connections and expired versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import expired
from provisioner.kube.client import informer as informer_module
from provisioner.kube.client.client import ConnectionFailed, ListResult, WatchEvent
from provisioner.kube.client.informer import Informer, key_of, split_key
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

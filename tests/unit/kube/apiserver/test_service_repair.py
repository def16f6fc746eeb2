"""Proves that numbers of services are claimed by who holds them, and that a claim without a holder goes at the second look."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.admission.services import CLAIMED, claim_body
from provisioner.kube.apiserver.service_repair import ServiceRepair, held
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.storage.cache import Entry, WatchCache


class Store:
    """Puts and deletes into the cache at once."""

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def put(self, key: bytes, body: bytes, expected: int) -> int:
        self.claim(key.decode().removeprefix(f"/registry/{CLAIMED}/"), body)
        return 1

    def claim(self, key: str, body: bytes) -> None:
        self._cache.collection(CLAIMED).apply(key, Entry(key, 64, body, {}, {}), 64)

    async def delete(self, key: bytes, expected: int) -> int:
        self._cache.collection(CLAIMED).apply(key.decode().removeprefix(f"/registry/{CLAIMED}/"), None, 128)
        return 2


def service(address: str, *node_ports: int) -> core_v1.Service:
    ports = [core_v1.ServicePort(port=80, node_port=port) for port in node_ports]
    return core_v1.Service(spec=core_v1.ServiceSpec(cluster_ip=address, ports=ports))


def test_who_holds_what() -> None:
    found = held({"b/y": service("10.0.0.2", 30001).spec, "a/x": service("10.0.0.2", 30000).spec, "c/z": service("None").spec})
    assert found == {"ip/10.0.0.2": "a/x", "port/30000": "a/x", "port/30001": "b/y"}


async def test_repair() -> None:
    cache = WatchCache(None, lambda *_: ({}, {}))  # type: ignore[arg-type]
    store = Store(cache)
    made: Any = ServiceRepair(cache, store, FakeClock())  # type: ignore[arg-type]
    cache.collection("core/services").apply("a/x", Entry("a/x", 1, codec.encode(service("10.0.0.2", 30000)), {}, {}), 1)
    store.claim("ip/10.0.0.9", claim_body("ip/10.0.0.9", "a/gone"))
    await made.step()
    assert set(cache.collection(CLAIMED).entries) == {"ip/10.0.0.9", "ip/10.0.0.2", "port/30000"}
    await made.step()
    assert set(cache.collection(CLAIMED).entries) == {"ip/10.0.0.2", "port/30000"}
    # What was looked for in the middle of a create is left alone: its service came.
    store.claim("ip/10.0.0.3", claim_body("ip/10.0.0.3", "a/new"))
    await made.step()
    cache.collection("core/services").apply("a/new", Entry("a/new", 2, codec.encode(service("10.0.0.3")), {}, {}), 2)
    await made.step()
    assert "ip/10.0.0.3" in cache.collection(CLAIMED).entries

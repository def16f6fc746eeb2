"""Proves that numbers of services are claimed by who holds them, and that a claim without a holder goes at the second look."""

from __future__ import annotations

import ipaddress
from typing import Any

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1, networking_v1
from provisioner.kube.apiserver.admission.services import ADDRESSES, CLAIMED, MANAGED_BY, MANAGER, claim_body, claim_key, ranges
from provisioner.kube.apiserver.service_repair import ServiceRepair, held
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.storage.cache import Entry, WatchCache

NOW = FakeClock().now()


class Store:
    """Puts and deletes into the cache at once."""

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def put(self, key: bytes, body: bytes, expected: int) -> int:
        self.set(key, Entry("", 64, body, {MANAGED_BY: MANAGER}, {}))
        return 1

    def claim(self, number: str, owner: str, labels: dict[str, str] | None = None) -> None:
        self.set(claim_key(number), Entry("", 64, claim_body(number, owner, NOW), {MANAGED_BY: MANAGER} if labels is None else labels, {}))

    def set(self, path: bytes, entry: Entry | None) -> None:
        group, kind, key = path.decode().removeprefix("/registry/").split("/", 2)
        self._cache.collection(f"{group}/{kind}").apply(key, entry, 64)

    async def delete(self, key: bytes, expected: int) -> int:
        self.set(key, None)
        return 2

    def claims(self) -> set[str]:
        return {*self._cache.collection(CLAIMED).entries, *(f"ip/{key}" for key in self._cache.collection(ADDRESSES).entries)}


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
    store.claim("ip/10.0.0.9", "a/gone")
    store.claim("ip/10.0.0.8", "a/somebody's own", {})
    await made.step()
    assert store.claims() == {"ip/10.0.0.8", "ip/10.0.0.9", "ip/10.0.0.2", "port/30000"}
    await made.step()
    assert store.claims() == {"ip/10.0.0.8", "ip/10.0.0.2", "port/30000"}
    # What was looked for in the middle of a create is left alone: its service came.
    store.claim("ip/10.0.0.3", "a/new")
    await made.step()
    cache.collection("core/services").apply("a/new", Entry("a/new", 2, codec.encode(service("10.0.0.3")), {}, {}), 2)
    await made.step()
    assert "ip/10.0.0.3" in store.claims()


def test_addresses_come_from_ready_ranges() -> None:
    cache = WatchCache(None, lambda *_: ({}, {}))  # type: ignore[arg-type]
    own = ipaddress.IPv4Network("10.96.0.0/16")
    for name, cidr, status in (("a", "10.1.0.0/24", "True"), ("b", "10.2.0.0/24", "False"), ("c", "fd00::/112", "True")):
        document = {"metadata": {"name": name}, "spec": {"cidrs": [cidr]}, "status": {"conditions": [{"type": "Ready", "status": status}]}}
        body = codec.encode(codec.decode_dict(networking_v1.ServiceCIDR, document))
        cache.collection("networking.k8s.io/servicecidrs").apply(name, Entry(name, 1, body, {}, {}), 1)
    assert ranges(cache, own) == [own, ipaddress.IPv4Network("10.1.0.0/24")]

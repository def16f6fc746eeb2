"""Repairs the allocation of cluster IPs and node ports: claims without their service go, numbers without a claim get one.

A create that is refused after its numbers were claimed leaves them behind; a service restored from elsewhere comes without claims. A claim
is taken away only when two looks in a row found nobody who holds it: the first may have been in the middle of a create. Upstream does the
same every three minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from provisioner.kube.api import codec
from provisioner.kube.api._generated import core_v1
from provisioner.kube.apiserver.admission.services import (
    ADDRESSES,
    CLAIMED,
    MANAGED_BY,
    MANAGER,
    claim_body,
    claim_key,
    claim_owner,
    numbers_of,
)
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import NotFresh, WatchCache
from provisioner.kube.storage.etcd import EtcdError
from provisioner.kube.storage.store import Conflict, Store

log = logging.getLogger(__name__)

EVERY_S = 180.0


def held(services: Mapping[str, core_v1.ServiceSpec]) -> dict[str, str]:
    """number -> the service that holds it; the first by name where several do, which is said."""
    found: dict[str, str] = {}
    for owner, spec in sorted(services.items()):
        for number in numbers_of(spec):
            if number in found:
                log.error("number is held twice number=%s services=%s,%s: recreate one of them", number, found[number], owner)
            found.setdefault(number, owner)
    return found


class ServiceRepair:
    def __init__(self, cache: WatchCache, store: Store, clock: Clock) -> None:
        self._cache, self._store, self._clock = cache, store, clock
        # Claims that nobody held at the last look.
        self._suspects: set[str] = set()

    async def run(self) -> None:
        while True:
            try:
                await self.step()
            except (EtcdError, NotFresh) as error:
                log.warning("service numbers are not repaired: %s", error)
            await self._clock.sleep(EVERY_S)

    async def step(self) -> None:
        """Raises EtcdError."""
        entries = self._cache.collection("core/services").entries
        wanted = held({key: codec.decode(core_v1.Service, entry.data).spec for key, entry in entries.items()})
        claims = {key: entry for key, entry in self._cache.collection(CLAIMED).entries.items() if key.startswith("port/")}
        claims |= {f"ip/{key}": entry for key, entry in self._cache.collection(ADDRESSES).entries.items()}
        suspects = {
            key
            for key, entry in claims.items()
            if wanted.get(key) != claim_owner(entry.data) and (key.startswith("port/") or entry.labels.get(MANAGED_BY) == MANAGER)
        }
        for key in suspects & self._suspects:
            try:
                await self._store.delete(claim_key(key), claims[key].revision)
                log.info("claim without a holder removed number=%s owner=%s", key, claim_owner(claims[key].data))
            except Conflict:
                continue
        for key, owner in wanted.items():
            if key not in claims:
                try:
                    await self._store.put(claim_key(key), claim_body(key, owner, self._clock.now()), 0)
                except Conflict:
                    continue
        self._suspects = suspects - self._suspects

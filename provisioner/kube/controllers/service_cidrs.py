"""Ranges of service addresses (networking.k8s.io ServiceCIDR): one that stays is ready; one that goes waits until no service has an address of
it that no other range has.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import msgspec

from provisioner.kube.api._generated import meta_v1, networking_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import condition
from provisioner.kube.controllers.controller import Controller, Parts

FINALIZER = "networking.k8s.io/service-cidr-finalizer"
# What the API server makes of its flag, and looks after itself.
DEFAULT = "kubernetes"
READY = ("True", "", "Kubernetes Service CIDR is ready")
TERMINATING = (
    "False",
    "Terminating",
    "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
)
# How long a range that goes stays unready before it may be gone: other API servers must have heard of it.
SETTLE_S = 5.0


def networks(cidrs: Iterable[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text, strict=False) for text in cidrs]


def holds(going: networking_v1.ServiceCIDR, others: Iterable[networking_v1.ServiceCIDR], addresses: Iterable[str]) -> bool:
    """Whether an address lies in a range that goes, and in none that stays."""
    own = networks(going.spec.cidrs or ())
    staying = [n for other in others if other.metadata.deletion_timestamp is None for n in networks(other.spec.cidrs or ())]
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if any(address in network for network in own) and not any(address in network for network in staying):
            return True
    return False


class ServiceCidrs(Controller):
    name = "service-cidr"
    workers = 1

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._ranges = self.watch(networking_v1.ServiceCIDR)
        self._addresses = self.informers.get(networking_v1.IPAddress)
        self._addresses.add_handler(on_delete=lambda _: self._look_at_all())

    def _look_at_all(self) -> None:
        for found in self._ranges.store.list():
            if found.metadata.deletion_timestamp is not None:
                self.enqueue(found)

    async def reconcile(self, key: str) -> float | None:
        found: networking_v1.ServiceCIDR | None = self._ranges.store.get(key)
        if found is None:
            return None
        finalizers = list(found.metadata.finalizers or ())
        if found.metadata.deletion_timestamp is None:
            if FINALIZER not in finalizers:
                found = await self._update(found, [*finalizers, FINALIZER])
            await self._tell(found, *READY)
            return None
        if FINALIZER not in finalizers:
            return None
        unready = condition(found.status.conditions, "Ready")
        was_told = unready is not None and unready.status == "False"
        await self._tell(found, *TERMINATING)
        others = [other for other in self._ranges.store.list() if other.metadata.name != key]
        if not was_told:
            return SETTLE_S
        if not holds(found, others, [address.metadata.name or "" for address in self._addresses.store.list()]):
            await self._update(found, [name for name in finalizers if name != FINALIZER])
        return None

    async def _update(self, found: networking_v1.ServiceCIDR, finalizers: list[str]) -> networking_v1.ServiceCIDR:
        metadata = msgspec.structs.replace(found.metadata, finalizers=finalizers)
        return await self.client.update(msgspec.structs.replace(found, metadata=metadata))

    async def _tell(self, found: networking_v1.ServiceCIDR, status: str, reason: str, message: str) -> None:
        before = condition(found.status.conditions, "Ready")
        if before is not None and (before.status, before.reason or "") == (status, reason):
            return
        moved = before is None or before.status != status
        ready = meta_v1.Condition(
            type="Ready",
            status=status,
            reason=reason,
            message=message,
            last_transition_time=self.now() if moved or before is None else before.last_transition_time,
        )
        kept = [c for c in found.status.conditions or () if c.type != "Ready"]
        told = networking_v1.ServiceCIDRStatus(conditions=[*kept, ready])
        try:
            await self.client.update_status(msgspec.structs.replace(found, status=told))
        except StatusError as error:
            if error.code != 404:
                raise

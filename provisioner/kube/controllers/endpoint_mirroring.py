"""EndpointSlices of Endpoints that people write for services without a selector, since kube-proxy reads slices alone."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1, discovery_v1, meta_v1
from provisioner.kube.api.meta import owner_reference
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.endpoint_slices import MANAGED_BY, SERVICE_NAME, service_keys

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
LEADER = "control-plane.alpha.kubernetes.io/leader"
NOT_COPIED = {"endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"}
# Upstream's --mirroring-max-endpoints-per-subset.
MAX_ADDRESSES = 1000
Slice = discovery_v1.EndpointSlice


def is_mirrored(endpoints: core_v1.Endpoints, service: core_v1.Service | None) -> bool:
    if service is None or service.spec.selector or (endpoints.metadata.labels or {}).get(SKIP) == "true":
        return False
    return LEADER not in (endpoints.metadata.annotations or {})


def mirror(endpoints: core_v1.Endpoints) -> list[Slice]:
    """A slice for each subset and address family, named by the server."""
    labels = {k: v for k, v in (endpoints.metadata.labels or {}).items() if k not in (SKIP, MANAGED_BY)}
    annotations = {k: v for k, v in (endpoints.metadata.annotations or {}).items() if k not in NOT_COPIED}
    made = []
    for subset in endpoints.subsets or ():
        addresses = [(a, True) for a in subset.addresses or ()] + [(a, False) for a in subset.not_ready_addresses or ()]
        for family in (4, 6):
            chosen = [(a, ready) for a, ready in addresses[:MAX_ADDRESSES] if ipaddress.ip_address(a.ip or "0.0.0.0").version == family]
            if not chosen:
                continue
            made.append(
                Slice(
                    metadata=meta_v1.ObjectMeta(
                        generate_name=f"{endpoints.metadata.name}-",
                        namespace=endpoints.metadata.namespace,
                        labels={**labels, SERVICE_NAME: endpoints.metadata.name or "", MANAGED_BY: MANAGER},
                        annotations=annotations or None,
                        owner_references=[owner_reference(endpoints)],
                    ),
                    address_type=f"IPv{family}",
                    endpoints=[_endpoint(address, ready) for address, ready in chosen],
                    ports=[
                        discovery_v1.EndpointPort(name=p.name or "", protocol=p.protocol or "TCP", port=p.port, app_protocol=p.app_protocol)
                        for p in subset.ports or ()
                    ],
                )
            )
    return made


def _endpoint(address: core_v1.EndpointAddress, ready: bool) -> discovery_v1.Endpoint:
    return discovery_v1.Endpoint(
        addresses=[address.ip or ""],
        conditions=discovery_v1.EndpointConditions(ready=ready),
        hostname=address.hostname or None,
        node_name=address.node_name,
        target_ref=address.target_ref,
    )


def _content(piece: Slice) -> Any:
    return piece.address_type, piece.endpoints or [], piece.ports or [], piece.metadata.labels, piece.metadata.annotations or None


class EndpointMirroring(Controller):
    name = "endpointslicemirroring"

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._endpoints = self.watch(core_v1.Endpoints)
        self._services = self.watch(core_v1.Service)
        self._slices = self.informers.get(Slice)
        self._slices.store.add_indexer("service", service_keys)
        self._slices.add_handler(on_delete=self._slice_gone)

    def _slice_gone(self, piece: Slice) -> None:
        labels = piece.metadata.labels or {}
        if labels.get(MANAGED_BY) == MANAGER:
            self.queue.add(f"{piece.metadata.namespace}/{labels.get(SERVICE_NAME)}")

    async def reconcile(self, key: str) -> float | None:
        endpoints: core_v1.Endpoints | None = self._endpoints.store.get(key)
        present = [s for s in self._slices.store.by_index("service", key) if (s.metadata.labels or {}).get(MANAGED_BY) == MANAGER]
        wanted = mirror(endpoints) if endpoints is not None and is_mirrored(endpoints, self._services.store.get(key)) else []
        left = list(present)
        for piece in wanted:
            match = next((s for s in left if s.address_type == piece.address_type), None)
            if match is None:
                await self.client.create(piece)
                continue
            left.remove(match)
            if _content(match) != _content(piece):
                metadata = msgspec.structs.replace(match.metadata, labels=piece.metadata.labels, annotations=piece.metadata.annotations)
                await self.client.update(msgspec.structs.replace(match, metadata=metadata, endpoints=piece.endpoints, ports=piece.ports))
        for piece in left:
            await self.remove(piece)
        return None

"""EndpointSlice: where each service's pods answer, in slices of at most 100; and Endpoints, the older form of the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1, discovery_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import owner_reference
from provisioner.kube.client.informer import key_of
from provisioner.kube.controllers.controller import Controller, Parts
from provisioner.kube.controllers.pods import is_ready

# Upstream's --max-endpoints-per-slice; Endpoints are cut at 1000.
PER_SLICE = 100
MAX_ENDPOINTS = 1000
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"
ZONE = "topology.kubernetes.io/zone"
# How long a slice that we made may take to show in our own store.
SHOWN_S = 5.0

Port = tuple[str, str, int, str | None]


@dataclass(frozen=True)
class Target:
    """One pod behind a service, with the numbers that the service's ports have in it."""

    ports: tuple[Port, ...]
    endpoint: discovery_v1.Endpoint


def selects(selector: dict[str, str], pod: core_v1.Pod) -> bool:
    labels = pod.metadata.labels or {}
    return all(labels.get(key) == value for key, value in selector.items())


def port_number(port: core_v1.ServicePort, pod: core_v1.Pod) -> Any:
    """The number of a service port in a pod; a named target is looked up among the ports of its containers and sidecars."""
    target = port.target_port
    if isinstance(target, int):
        return target or port.port
    if not target:
        return port.port
    sidecars = [c for c in pod.spec.init_containers or () if c.restart_policy == "Always"]
    for container in [*(pod.spec.containers or ()), *sidecars]:
        for own in container.ports or ():
            if own.name == target and (own.protocol or "TCP") == (port.protocol or "TCP"):
                return own.container_port
    return None


def target_of(service: core_v1.Service, pod: core_v1.Pod, zone: str | None = None) -> Target | None:
    """What a pod contributes, or None while it has no address or has ended."""
    if not pod.status.pod_ip or pod.status.phase in ("Succeeded", "Failed"):
        return None
    ports = []
    for port in service.spec.ports or ():
        number = port_number(port, pod)
        if number is not None:
            ports.append((port.name or "", port.protocol or "TCP", number, port.app_protocol))
    ready = is_ready(pod)
    terminating = pod.metadata.deletion_timestamp is not None
    shown = bool(service.spec.publish_not_ready_addresses)
    hostname = pod.spec.hostname if pod.spec.hostname and pod.spec.subdomain == service.metadata.name else None
    endpoint = discovery_v1.Endpoint(
        addresses=[pod.status.pod_ip],
        conditions=discovery_v1.EndpointConditions(ready=shown or (ready and not terminating), serving=ready, terminating=terminating),
        hostname=hostname,
        node_name=pod.spec.node_name,
        zone=zone,
        target_ref=core_v1.ObjectReference(kind="Pod", namespace=pod.metadata.namespace, name=pod.metadata.name, uid=pod.metadata.uid),
    )
    if endpoint.conditions is not None and endpoint.conditions.ready:
        endpoint.hints = hints_of(service.spec.traffic_distribution, endpoint.node_name, zone)
    return Target(tuple(ports), endpoint)


def hints_of(distribution: str | None, node: str | None, zone: str | None) -> discovery_v1.EndpointHints | None:
    """Who should prefer an endpoint, by Service.spec.trafficDistribution; PreferClose is the older name of PreferSameZone."""
    zones = [discovery_v1.ForZone(name=zone)] if zone else None
    if distribution in ("PreferClose", "PreferSameZone") and zones:
        return discovery_v1.EndpointHints(for_zones=zones)
    if distribution == "PreferSameNode" and node:
        return discovery_v1.EndpointHints(for_nodes=[discovery_v1.ForNode(name=node)], for_zones=zones)
    return None


def slices_of(targets: Iterable[Target]) -> list[tuple[tuple[Port, ...], list[discovery_v1.Endpoint]]]:
    """(ports, endpoints) of each slice: pods with equal ports together, PER_SLICE at most."""
    groups: dict[tuple[Port, ...], list[discovery_v1.Endpoint]] = {}
    for target in targets:
        groups.setdefault(target.ports, []).append(target.endpoint)
    made = []
    for ports, endpoints in sorted(groups.items(), key=lambda item: repr(item[0])):
        ordered = sorted(endpoints, key=lambda e: (e.addresses or [""])[0])
        made += [(ports, ordered[start : start + PER_SLICE]) for start in range(0, len(ordered), PER_SLICE)]
    return made


def endpoints_of(targets: Iterable[Target]) -> list[core_v1.EndpointSubset]:
    """The subsets of the older form: ready and not ready addresses by equal ports; terminating pods are left out."""
    groups: dict[tuple[Port, ...], tuple[list[core_v1.EndpointAddress], list[core_v1.EndpointAddress]]] = {}
    for target in sorted(targets, key=lambda t: (t.endpoint.addresses or [""])[0])[:MAX_ENDPOINTS]:
        endpoint, conditions = target.endpoint, target.endpoint.conditions
        if conditions is None or (conditions.terminating and not conditions.ready):
            continue
        address = core_v1.EndpointAddress(
            ip=(endpoint.addresses or [""])[0], node_name=endpoint.node_name, hostname=endpoint.hostname, target_ref=endpoint.target_ref
        )
        groups.setdefault(target.ports, ([], []))[0 if conditions.ready else 1].append(address)
    return [
        core_v1.EndpointSubset(
            addresses=ready or None,
            not_ready_addresses=waiting or None,
            ports=[core_v1.EndpointPort(name=n or None, protocol=p, port=number, app_protocol=app) for n, p, number, app in ports] or None,
        )
        for ports, (ready, waiting) in sorted(groups.items(), key=lambda item: repr(item[0]))
    ]


class EndpointSlices(Controller):
    name = "endpointslice"
    workers = 5

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._services = self.watch(core_v1.Service)
        self._pods = self.informers.get(core_v1.Pod)
        self._slices = self.informers.get(discovery_v1.EndpointSlice)
        self._endpoints = self.informers.get(core_v1.Endpoints)
        self._endpoints_client = parts.client_of("endpoint-controller")
        self._slices.store.add_indexer("service", service_keys)
        self._pods.add_handler(self._pod_changed, self._pod_updated, self._pod_changed)
        self._slices.add_handler(on_delete=self._slice_gone)
        self._nodes = self.informers.get(core_v1.Node)
        self._nodes.add_handler(on_update=self._node_updated)
        # service's key -> (names of slices that we made, since when) until the informer shows them
        self._unseen: dict[str, tuple[set[str], float]] = {}

    def _node_updated(self, old: core_v1.Node, new: core_v1.Node) -> None:
        if _zone_of(old) != _zone_of(new):
            for service in self._services.store.list():
                self.enqueue(service)

    def _behind(self, key: str) -> bool:
        """Whether slices that we made are not in our store yet: deciding by it would make them twice."""
        names, since = self._unseen.get(key, (set(), 0.0))
        names -= {s.metadata.name or "" for s in self._slices.store.by_index("service", key)}
        if names and self.clock.monotonic() - since < SHOWN_S:
            return True
        self._unseen.pop(key, None)
        return False

    def _slice_gone(self, piece: discovery_v1.EndpointSlice) -> None:
        for key in service_keys(piece):
            self.queue.add(key)

    def _pod_changed(self, pod: core_v1.Pod) -> None:
        for service in self._services.store.list(pod.metadata.namespace):
            if service.spec.selector and selects(service.spec.selector, pod):
                self.enqueue(service)

    def _pod_updated(self, old: core_v1.Pod, pod: core_v1.Pod) -> None:
        if old.metadata.labels != pod.metadata.labels:
            self._pod_changed(old)
        self._pod_changed(pod)

    async def reconcile(self, key: str) -> float | None:
        service: core_v1.Service | None = self._services.store.get(key)
        present = [s for s in self._slices.store.by_index("service", key) if (s.metadata.labels or {}).get(MANAGED_BY) == MANAGER]
        if (
            service is None
            or service.metadata.deletion_timestamp is not None
            or not service.spec.selector
            or service.spec.type == "ExternalName"
        ):
            if service is None:
                self._unseen.pop(key, None)
                for piece in present:
                    await self._remove(piece)
                await self._remove_endpoints(key)
            return None
        if self._behind(key):
            return 0.05
        targets = [
            t
            for pod in self._pods.store.list(service.metadata.namespace)
            if selects(service.spec.selector, pod)
            and (t := target_of(service, pod, _zone_of(self._nodes.store.get(pod.spec.node_name or ""))))
        ]
        await self._write_slices(service, present, slices_of(targets) or [((), [])])
        await self._write_endpoints(service, endpoints_of(targets))
        return None

    async def _write_slices(
        self,
        service: core_v1.Service,
        present: list[discovery_v1.EndpointSlice],
        wanted: list[tuple[tuple[Port, ...], list[discovery_v1.Endpoint]]],
    ) -> None:
        """Slices that are there are kept where they can be: those with the same ports first, then any."""
        left = list(present)
        labels = {**(service.metadata.labels or {}), SERVICE_NAME: service.metadata.name or "", MANAGED_BY: MANAGER}
        if service.spec.cluster_ip == "None":
            labels[HEADLESS] = ""
        for ports, endpoints in wanted:
            listed = [discovery_v1.EndpointPort(name=n, protocol=p, port=number, app_protocol=app) for n, p, number, app in ports]
            match = next((s for s in left if s.ports == listed or (not s.ports and not listed)), left[0] if left else None)
            if match is None:
                made = discovery_v1.EndpointSlice(
                    metadata=meta_v1.ObjectMeta(
                        generate_name=f"{service.metadata.name}-",
                        namespace=service.metadata.namespace,
                        labels=labels,
                        owner_references=[owner_reference(service)],
                    ),
                    address_type="IPv4",
                    endpoints=endpoints,
                    ports=listed,
                )
                created = await self.client.create(made)
                names, _ = self._unseen.get(key_of(service), (set(), 0.0))
                self._unseen[key_of(service)] = (names | {created.metadata.name or ""}, self.clock.monotonic())
                continue
            left.remove(match)
            if match.endpoints != endpoints or (match.ports or []) != listed or match.metadata.labels != labels:
                fresh = msgspec.structs.replace(
                    match, endpoints=endpoints, ports=listed, metadata=msgspec.structs.replace(match.metadata, labels=labels)
                )
                await self.client.update(fresh)
        for piece in left:
            await self._remove(piece)

    async def _remove(self, piece: discovery_v1.EndpointSlice) -> None:
        try:
            await self.client.delete(discovery_v1.EndpointSlice, piece.metadata.name or "", piece.metadata.namespace)
        except StatusError as error:
            if error.code != 404:
                raise

    async def _write_endpoints(self, service: core_v1.Service, subsets: list[core_v1.EndpointSubset]) -> None:
        known = self._endpoints.store.get(key_of(service))
        labels = {**(service.metadata.labels or {}), "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
        if service.spec.cluster_ip == "None":
            labels[HEADLESS] = ""
        if known is None:
            made = core_v1.Endpoints(
                metadata=meta_v1.ObjectMeta(name=service.metadata.name, namespace=service.metadata.namespace, labels=labels),
                subsets=subsets or None,
            )
            await self._endpoints_client.create(made)
        elif (known.subsets or []) != subsets or known.metadata.labels != labels:
            await self._endpoints_client.update(
                msgspec.structs.replace(known, subsets=subsets or None, metadata=msgspec.structs.replace(known.metadata, labels=labels))
            )

    async def _remove_endpoints(self, key: str) -> None:
        known = self._endpoints.store.get(key)
        if known is None or (known.metadata.labels or {}).get("endpoints.kubernetes.io/managed-by") != "endpoint-controller":
            return
        try:
            await self._endpoints_client.delete(core_v1.Endpoints, known.metadata.name or "", known.metadata.namespace)
        except StatusError as error:
            if error.code != 404:
                raise


def _zone_of(node: core_v1.Node | None) -> str | None:
    return (node.metadata.labels or {}).get(ZONE) if node is not None else None


def service_keys(piece: Any) -> list[str]:
    name = (piece.metadata.labels or {}).get(SERVICE_NAME)
    return [f"{piece.metadata.namespace}/{name}"] if name else []

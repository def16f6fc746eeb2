"""Cluster IPs and node ports: each given once. The cache says what is taken; what this server has just given is remembered until it shows.

Two API servers could give the same address at the same moment, so a number is first claimed by a key of its own in etcd: whoever creates
the key has it. An address' key is an IPAddress (networking.k8s.io), which says whose it is. The keys go with their service. Addresses come
from the range of the flags and from every ServiceCIDR that is ready.
"""

from __future__ import annotations

import contextlib
import ipaddress
import random
import uuid
from collections.abc import Iterable
from datetime import datetime

import msgspec

from provisioner.kube.api import codec, errors
from provisioner.kube.api._generated import core_v1, networking_v1
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.client.clock import Clock, SystemClock
from provisioner.kube.storage.cache import ROOT, WatchCache
from provisioner.kube.storage.etcd import EtcdError
from provisioner.kube.storage.store import Conflict, Store

# The collection of claimed ports; a key is port/<number>.
CLAIMED = "provision/claims"
# The collection of claimed addresses. Only those with this label are ours to take back.
ADDRESSES = "networking.k8s.io/ipaddresses"
MANAGED_BY, MANAGER = "ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io"
RANGES = "networking.k8s.io/servicecidrs"
# Random picks before every number is tried in turn.
PICKS = 16


def drop_left_over(spec: core_v1.ServiceSpec, before: core_v1.ServiceSpec) -> None:
    """Fields that the service's former type had and its new one has no use for go with it, unless they were changed as well."""
    external = spec.type in ("NodePort", "LoadBalancer") or bool(spec.external_ips)
    balanced = spec.type == "LoadBalancer"
    useless = {
        "external_traffic_policy": not external,
        "allocate_load_balancer_node_ports": not balanced,
        "load_balancer_class": not balanced,
        "internal_traffic_policy": spec.type == "ExternalName",
        "ip_families": spec.type == "ExternalName",
        "ip_family_policy": spec.type == "ExternalName",
    }
    for field, is_useless in useless.items():
        if is_useless and getattr(spec, field) == getattr(before, field):
            setattr(spec, field, None)


class Services(Plugin):
    name = "ServiceAllocation"
    optional = False
    kinds = frozenset({"core/services"})

    def __init__(
        self, cache: WatchCache, store: Store, service_range: ipaddress.IPv4Network, node_ports: tuple[int, int], clock: Clock | None = None
    ) -> None:
        self._cache, self._store, self._range, self._node_ports = cache, store, service_range, node_ports
        self._clock = clock or SystemClock()

    async def mutate(self, call: Call, kind: Kind, new: core_v1.Service, old: core_v1.Service | None) -> None:
        if kind.resource.kind != "Service" or call.target.subresource:
            return
        # What is wrong anyway claims nothing.
        found = kind.validate_create(new) if old is None else []
        if found:
            raise errors.invalid("Service", new.metadata.name or "", found)
        spec = new.spec
        before = old.spec if old is not None else core_v1.ServiceSpec()
        owner = f"{call.target.namespace}/{new.metadata.name}"
        await self._cluster_ip(call, new, before, owner)
        wants_ports = spec.type == "NodePort" or (spec.type == "LoadBalancer" and spec.allocate_load_balancer_node_ports is not False)
        held = {p.node_port for p in before.ports or () if p.node_port}
        kept = {(p.port, p.protocol): p.node_port for p in before.ports or ()}
        for index, port in enumerate(spec.ports or ()):
            if not wants_ports:
                if before.type in ("NodePort", "LoadBalancer") and port.node_port in held:
                    port.node_port = None
                continue
            port.node_port = port.node_port or kept.get((port.port, port.protocol)) or None
            if port.node_port and port.node_port not in held:
                await self._claim_port(call, owner, port.node_port, f"spec.ports[{index}].nodePort", new)
            elif not port.node_port:
                port.node_port = await self._pick_port(call, owner, new)
            held.add(port.node_port)
        await self._health_port(call, new, before, owner)
        if old is not None:
            drop_left_over(spec, before)
        if old is not None and not call.dry_run:
            await self._release(owner, numbers_of(before) - numbers_of(spec))

    async def _health_port(self, call: Call, new: core_v1.Service, before: core_v1.ServiceSpec, owner: str) -> None:
        """Where a load balancer asks whether this node has an endpoint."""
        spec = new.spec
        if spec.type != "LoadBalancer" or spec.external_traffic_policy != "Local":
            if before.health_check_node_port == spec.health_check_node_port:
                spec.health_check_node_port = None
            return
        wanted = spec.health_check_node_port or before.health_check_node_port
        if not wanted:
            wanted = await self._pick_port(call, owner, new)
        elif wanted != before.health_check_node_port:
            await self._claim_port(call, owner, wanted, "spec.healthCheckNodePort", new)
        spec.health_check_node_port = wanted

    async def _cluster_ip(self, call: Call, new: core_v1.Service, before: core_v1.ServiceSpec, owner: str) -> None:
        spec = new.spec
        if spec.type == "ExternalName":
            spec.cluster_ip = spec.cluster_ips = None
            return
        wanted = spec.cluster_ip or (spec.cluster_ips[0] if spec.cluster_ips else None) or before.cluster_ip
        found = family_problems(spec, before) if wanted != "None" or spec.selector else []
        if found:
            raise errors.invalid("Service", new.metadata.name or "", found)
        if wanted == "None":
            spec.cluster_ip, spec.cluster_ips = "None", ["None"]
            return
        if wanted and wanted != before.cluster_ip:
            field = "spec.clusterIPs"
            try:
                address = ipaddress.IPv4Address(wanted)
            except ValueError:
                raise self._invalid(new, errors.invalid_value(field, [wanted], "must be a valid IP address")) from None
            valid = ranges(self._cache, self._range)
            if not any(address in network for network in valid):
                listed = ",".join(map(str, valid))
                message = f"failed to allocate IP {wanted}: the provided IP ({wanted}) is not in the valid range. The range of valid IPs is {listed}"
                raise self._invalid(new, errors.invalid_value(field, [wanted], message))
            if not await self._claim(call, f"ip/{wanted}", owner):
                message = f"failed to allocate IP {wanted}: provided IP is already allocated"
                raise self._invalid(new, errors.invalid_value(field, [wanted], message))
        elif not wanted:
            wanted = await self._pick_ip(call, owner)
        spec.cluster_ip, spec.cluster_ips = wanted, [wanted]

    async def _pick_ip(self, call: Call, owner: str) -> str:
        valid = ranges(self._cache, self._range)
        taken = self._cache.collection(ADDRESSES).entries
        for network in valid:
            # Upstream keeps the range's lower band for addresses that people choose themselves.
            size = network.num_addresses
            band = min(max(16, size // 16), 256) if size > 32 else 1
            for offset in (*_candidates(band, size - 1), *range(1, band)):
                address = str(network.network_address + offset)
                if address not in taken and await self._claim(call, f"ip/{address}", owner):
                    return address
        raise errors.internal(f"failed to allocate a serviceIP: range is full: {','.join(map(str, valid))}")

    async def _pick_port(self, call: Call, owner: str, new: core_v1.Service) -> int:
        low, high = self._node_ports
        for number in _candidates(low, high + 1):
            if await self._claim(call, f"port/{number}", owner):
                return number
        raise errors.internal("failed to allocate a nodePort: range is full")

    async def _claim_port(self, call: Call, owner: str, number: int, field: str, new: core_v1.Service) -> None:
        low, high = self._node_ports
        if not low <= number <= high:
            raise self._invalid(
                new,
                errors.invalid_value(field, number, f"provided port is not in the valid range. The range of valid ports is {low}-{high}"),
            )
        if not await self._claim(call, f"port/{number}", owner):
            raise self._invalid(new, errors.invalid_value(field, number, "provided port is already allocated"))

    async def _claim(self, call: Call, number: str, owner: str) -> bool:
        """Whether the number is now its owner's. A dry run only looks."""
        if call.dry_run:
            return True
        try:
            await self._store.put(claim_key(number), claim_body(number, owner, self._clock.now()), 0)
        except Conflict as conflict:
            return conflict.value is not None and claim_owner(conflict.value) == owner
        except EtcdError as error:
            raise errors.unavailable(str(error)) from error
        return True

    async def _release(self, owner: str, numbers: Iterable[str]) -> None:
        for number in numbers:
            key = claim_key(number)
            try:
                await self._store.delete(key, 0)
            except Conflict as conflict:
                if conflict.value is not None and claim_owner(conflict.value) == owner:
                    try:
                        await self._store.delete(key, conflict.revision)
                    except (Conflict, EtcdError):
                        continue
            except EtcdError:
                continue

    async def undo(self, call: Call, kind: Kind, new: Obj) -> None:
        """Another object of this name was there first; its numbers may be the very same ones, so nothing is given back."""

    async def deleted(self, kind: Kind, old: Obj) -> None:
        if kind.resource.kind == "Service":
            await self._release(f"{old.metadata.namespace}/{old.metadata.name}", numbers_of(old.spec))

    @staticmethod
    def _invalid(new: core_v1.Service, error: errors.FieldError) -> errors.StatusError:
        return errors.invalid("Service", new.metadata.name or "", [error])


def family_problems(spec: core_v1.ServiceSpec, before: core_v1.ServiceSpec) -> list[errors.FieldError]:
    """What a service newly asks for that this cluster, whose services have IPv4 addresses, can't give."""
    found = []
    if spec.ip_family_policy == "RequireDualStack" and spec.ip_family_policy != before.ip_family_policy:
        message = "this cluster is not configured for dual-stack services"
        found.append(errors.invalid_value("spec.ipFamilyPolicy", spec.ip_family_policy, message))
    if spec.ip_families != before.ip_families:
        for index, family in enumerate(spec.ip_families or ()):
            if family == "IPv6":
                found.append(errors.invalid_value(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
    return found


def ranges(cache: WatchCache, default: ipaddress.IPv4Network) -> list[ipaddress.IPv4Network]:
    """Where addresses may come from: the flags' range, and every other one that is ready and stays."""
    found = [default]
    for entry in cache.collection(RANGES).entries.values():
        cidr = codec.decode(networking_v1.ServiceCIDR, entry.data)
        ready = any(c.type == "Ready" and c.status == "True" for c in cidr.status.conditions or ())
        if not ready or cidr.metadata.deletion_timestamp is not None:
            continue
        for text in cidr.spec.cidrs or ():
            with contextlib.suppress(ValueError):
                network = ipaddress.IPv4Network(text)
                if network not in found:
                    found.append(network)
    return found


def claim_key(number: str) -> bytes:
    """Where the claim of ip/<address> or port/<number> lies."""
    kind, _, rest = number.partition("/")
    return ROOT + (f"{ADDRESSES}/{rest}" if kind == "ip" else f"{CLAIMED}/{number}").encode()


def claim_body(number: str, owner: str, now: datetime) -> bytes:
    """`owner` is the service's namespace/name."""
    kind, _, rest = number.partition("/")
    if kind != "ip":
        return b'{"metadata":{"name":"%b","owner":"%b"}}' % (number.encode(), owner.encode())
    namespace, _, name = owner.partition("/")
    metadata = {
        "name": rest,
        "uid": str(uuid.uuid4()),
        "creationTimestamp": rfc3339(now),
        "generation": 1,
        "labels": {"ipaddress.kubernetes.io/ip-family": "IPv4", MANAGED_BY: MANAGER},
    }
    parent = {"resource": "services", "namespace": namespace, "name": name}
    return msgspec.json.encode(
        {"apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": metadata, "spec": {"parentRef": parent}}
    )


def claim_owner(body: bytes) -> str:
    """Whose a claim is, as namespace/name."""
    document = msgspec.json.decode(body)
    parent = (document.get("spec") or {}).get("parentRef")
    return f"{parent.get('namespace', '')}/{parent.get('name', '')}" if parent else str((document.get("metadata") or {}).get("owner", ""))


def numbers_of(spec: core_v1.ServiceSpec) -> set[str]:
    """What a service holds, as its claims are called."""
    found = {f"port/{p.node_port}" for p in spec.ports or () if p.node_port}
    if spec.health_check_node_port:
        found.add(f"port/{spec.health_check_node_port}")
    if spec.cluster_ip and spec.cluster_ip != "None":
        found.add(f"ip/{spec.cluster_ip}")
    return found


def _candidates(low: int, high: int) -> Iterable[int]:
    """Some at random, then all in turn from a random start."""
    for _ in range(PICKS):
        yield random.randrange(low, high)
    start = random.randrange(low, high)
    yield from range(start, high)
    yield from range(low, start)

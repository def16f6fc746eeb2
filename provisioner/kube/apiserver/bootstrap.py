"""What every cluster has from the start: namespaces, priority classes, upstream's roles and bindings, the service `kubernetes`.

Made when missing, at each start; what people changed stays, but for roles that lost a rule of theirs (unless they say
rbac.authorization.kubernetes.io/autoupdate: "false").
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.apiserver.bootstrap_roles import cluster_role_bindings, cluster_roles, role_bindings, roles
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.apiserver.rest import Rest

log = logging.getLogger(__name__)

NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")
ENDPOINTS_S = 10.0
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"


class Bootstrap:
    def __init__(self, registry: Registry, rest: Rest, service_ip: str, address: str, port: int) -> None:
        self._registry, self._rest = registry, rest
        self._service_ip, self._address, self._port = service_ip, address, port
        self.done_event = asyncio.Event()

    @property
    def done(self) -> bool:
        return self.done_event.is_set()

    async def run(self) -> None:
        """Make everything, then keep our own address among the endpoints of the service `kubernetes`, for ever."""
        while True:
            try:
                if not self.done:
                    await self._objects()
                    self.done_event.set()
                await self._endpoints(present=True)
            except errors.StatusError as error:
                log.warning("bootstrap not through yet: %s", error.message)
            await asyncio.sleep(ENDPOINTS_S if self.done else 0.5)

    async def leave(self) -> None:
        """At an orderly stop: clients of the service go to other servers."""
        try:
            await self._endpoints(present=False)
        except errors.StatusError as error:
            log.warning("could not leave the endpoints of kubernetes: %s", error.message)

    async def _objects(self) -> None:
        for name in NAMESPACES:
            await self._ensure("", "v1", "namespaces", "", {"metadata": {"name": name}})
        for name, value, text in (
            ("system-node-critical", 2000001000, "Used for system critical pods that must not be moved from their current node."),
            (
                "system-cluster-critical",
                2000000000,
                "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
            ),
        ):
            body = {"metadata": {"name": name}, "value": value, "description": text}
            await self._ensure("scheduling.k8s.io", "v1", "priorityclasses", "", body)
        group = "rbac.authorization.k8s.io"
        wanted: list[tuple[str, list[dict[str, Any]]]] = [
            ("clusterroles", cluster_roles()),
            ("clusterrolebindings", cluster_role_bindings()),
        ]
        for plural, bodies in wanted:
            await asyncio.gather(*(self._ensure(group, "v1", plural, "", body) for body in bodies))
        for plural, bodies in (("roles", roles()), ("rolebindings", role_bindings())):
            await asyncio.gather(*(self._ensure(group, "v1", plural, body["metadata"]["namespace"], body) for body in bodies))
        service = {
            "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {
                "clusterIP": self._service_ip,
                "type": "ClusterIP",
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": self._port}],
            },
        }
        await self._ensure("", "v1", "services", "default", service)

    def _call(self, kind: Kind, verb: str, namespace: str, name: str) -> Call:
        r = kind.resource
        return Call(LOOPBACK, Target(verb, "", r.group, r.version, r.plural, namespace, name), field_manager="kube-apiserver")

    def _kind(self, group: str, version: str, plural: str) -> Kind:
        kind = self._registry.find(group, version, plural)
        assert kind is not None
        return kind

    async def _ensure(self, group: str, version: str, plural: str, namespace: str, body: dict[str, Any]) -> None:
        kind = self._kind(group, version, plural)
        name = body["metadata"]["name"]
        key = f"{namespace}/{name}" if kind.resource.namespaced else name
        entry = self._rest.cache.collection(kind.stored_as).entries.get(key)
        if entry is None:
            call = self._call(kind, "create", namespace, "")
            try:
                await self._rest.create(kind, call, body)
            except errors.StatusError as error:
                if error.reason != "AlreadyExists":
                    raise
            return
        if plural in ("clusterroles", "roles") and body.get("rules"):
            present = kind.load(entry.data)
            if (present.metadata.annotations or {}).get(AUTOUPDATE) == "false":
                return
            wanted = kind.decode({**body, "apiVersion": kind.resource.api_version, "kind": kind.resource.kind}).rules
            missing = [rule for rule in wanted or () if rule not in (present.rules or ())]
            if missing:

                async def complete(role: Any, _: Any) -> Any:
                    role.rules = [*(role.rules or ()), *missing]
                    return role

                await self._rest.change(kind, self._call(kind, "update", namespace, name), complete)

    async def _endpoints(self, *, present: bool) -> None:
        """Our address in default/kubernetes, as Endpoints and as EndpointSlice."""
        endpoints = self._kind("", "v1", "endpoints")
        slices = self._kind("discovery.k8s.io", "v1", "endpointslices")
        collection = self._rest.cache.collection(endpoints.stored_as)
        entry = collection.entries.get("default/kubernetes")
        addresses = set()
        if entry is not None:
            for subset in endpoints.load(entry.data).subsets or ():
                addresses |= {a.ip for a in subset.addresses or () if a.ip}
        wanted = addresses | {self._address} if present else addresses - {self._address}
        listed = sorted(a for a in wanted if a)
        subsets = [{"addresses": [{"ip": a} for a in listed], "ports": [{"name": "https", "port": self._port, "protocol": "TCP"}]}]
        body: dict[str, Any] = {
            "metadata": {"name": "kubernetes", "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
            "subsets": subsets if listed else [],
        }
        await self._put(endpoints, body)
        await self._put(
            slices,
            {
                "metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in listed],
                "ports": [{"name": "https", "port": self._port, "protocol": "TCP"}],
            },
        )

    async def _put(self, kind: Kind, body: dict[str, Any]) -> None:
        call = self._call(kind, "update", "default", "kubernetes")
        try:
            await self._rest.update(kind, call, body)
        except errors.StatusError as error:
            if error.code != 404:
                raise
            await self._rest.create(kind, replace(call, target=replace(call.target, verb="create", name="")), body)

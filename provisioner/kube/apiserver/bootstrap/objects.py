"""The objects that a cluster is born with: namespaces, priority classes, RBAC roles and bindings, what aggregated servers need to know.

Each start makes what is missing; of roles and bindings it also adds the rules and subjects that are missing, unless their annotation
rbac.authorization.kubernetes.io/autoupdate says "false".
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.apiserver.bootstrap import bootstrap_roles
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.apiserver.usage.group import reader_role
from provisioner.kube.storage.cache import NotFresh
from provisioner.kube.storage.etcd import EtcdError

if TYPE_CHECKING:
    from provisioner.kube.apiserver.server import Server

log = logging.getLogger(__name__)

NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")
RBAC = "rbac.authorization.k8s.io"
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
RETRY_S = 1.0
# Guess: more at once gains nothing over one group commit.
AT_ONCE = 32
PRIORITY_CLASSES = (
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
)


class Bootstrap:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Until everything is there; etcd that is away is waited for."""
        while True:
            try:
                await self._all()
                return
            except (StatusError, EtcdError, NotFresh) as error:
                if isinstance(error, StatusError) and error.code not in (500, 503, 504, 409):
                    raise
                log.warning("first objects can't be made yet: %s", error)
                await self._server.clock.sleep(RETRY_S)

    async def standing(self) -> None:
        """What is made again when somebody removes it."""
        for name in NAMESPACES:
            await self.ensure("", "v1", "namespaces", "", {"metadata": {"name": name}})
        await self._kubernetes_service()

    async def _all(self) -> None:
        for name in NAMESPACES:
            await self.ensure("", "v1", "namespaces", "", {"metadata": {"name": name}})
        roles = [("clusterroles", "", role) for role in bootstrap_roles.cluster_roles()]
        if self._server.usage is not None:
            roles.append(("clusterroles", "", reader_role()))
        roles += [("clusterrolebindings", "", binding) for binding in bootstrap_roles.cluster_role_bindings()]
        roles += [("roles", role["metadata"]["namespace"], role) for role in bootstrap_roles.roles()]
        roles += [("rolebindings", binding["metadata"]["namespace"], binding) for binding in bootstrap_roles.role_bindings()]
        await asyncio.gather(*(self._role(plural, namespace, document) for plural, namespace, document in roles))
        for name, value, text in PRIORITY_CLASSES:
            document = {"metadata": {"name": name}, "value": value, "description": text}
            await self.ensure("scheduling.k8s.io", "v1", "priorityclasses", "", document)
        await self._authentication_facts()
        await self._service_range()
        await self._kubernetes_service()

    async def ensure(self, group: str, version: str, plural: str, namespace: str, document: dict[str, Any]) -> None:
        """Make an object unless one of its name is there."""
        kind = self.kind(group, version, plural)
        name = document["metadata"]["name"]
        if (f"{namespace}/{name}" if namespace else name) in self._server.cache.collection(kind.stored_as).entries:
            return
        try:
            await self._server.rest.create(kind, self.call("create", kind, namespace, ""), document)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise

    async def _role(self, plural: str, namespace: str, document: dict[str, Any]) -> None:
        async with self._places:
            await self.ensure(RBAC, "v1", plural, namespace, document)
        await self._complete(self.kind(RBAC, "v1", plural), namespace, document)

    async def _complete(self, kind: Kind, namespace: str, document: dict[str, Any]) -> None:
        name = document["metadata"]["name"]
        entry = self._server.cache.collection(kind.stored_as).entries.get(f"{namespace}/{name}" if namespace else name)
        if entry is None:
            return
        stored = msgspec.json.decode(entry.data)
        if (stored["metadata"].get("annotations") or {}).get(AUTOUPDATE) == "false":
            return
        part = "rules" if "rules" in document else "subjects"
        present = stored.get(part) or []
        missing = [item for item in document.get(part, ()) if not any(item.items() <= have.items() for have in present)]
        if not missing:
            return

        def with_missing(current: dict[str, Any]) -> dict[str, Any]:
            return {**current, part: [*(current.get(part) or []), *missing]}

        await self._server.rest.patch(kind, self.call("patch", kind, namespace, name), with_missing)

    def kind(self, group: str, version: str, plural: str) -> Kind:
        kind = self._server.registry.find(group, version, plural)
        assert kind is not None, plural
        return kind

    def call(self, verb: str, kind: Kind, namespace: str, name: str) -> Call:
        resource = kind.resource
        target = Target(verb, "", resource.group, resource.version, resource.plural, namespace, name)
        return Call(LOOPBACK, target, field_manager="kube-apiserver")

    async def _authentication_facts(self) -> None:
        """kube-system/extension-apiserver-authentication: how others verify who we say asks."""
        flags, proxy = self._server.settings.flags, self._server.settings.front_proxy
        data: dict[str, str] = {}
        if flags.client_ca_file:
            data["client-ca-file"] = Path(flags.client_ca_file).read_text()
        if proxy is not None:
            data["requestheader-client-ca-file"] = Path(proxy.ca_file).read_text()
            for key, values in (
                ("allowed-names", sorted(proxy.names)),
                ("username-headers", list(proxy.username_headers)),
                ("group-headers", list(proxy.group_headers)),
                ("extra-headers-prefix", list(proxy.extra_prefixes)),
            ):
                data[f"requestheader-{key}"] = msgspec.json.encode(values).decode()
        document = {"metadata": {"name": "extension-apiserver-authentication"}, "data": data}
        await self.ensure("", "v1", "configmaps", "kube-system", document)
        kind = self.kind("", "v1", "configmaps")
        call = self.call("patch", kind, "kube-system", "extension-apiserver-authentication")
        await self._server.rest.patch(kind, call, lambda current: {**current, "data": {**(current.get("data") or {}), **data}})

    async def _service_range(self) -> None:
        """networking.k8s.io ServiceCIDR kubernetes, which says where services' addresses come from."""
        where = ("networking.k8s.io", "v1", "servicecidrs")
        spec = {"cidrs": [str(self._server.settings.flags.service_cluster_ip_range)]}
        await self.ensure(*where, "", {"metadata": {"name": "kubernetes"}, "spec": spec})
        kind = self.kind(*where)
        call = self.call("patch", kind, "", "kubernetes")
        call.target = replace(call.target, subresource="status")
        now = rfc3339(self._server.clock.now())
        ready = {"type": "Ready", "status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready", "lastTransitionTime": now}

        def with_condition(current: dict[str, Any]) -> dict[str, Any]:
            present = (current.get("status") or {}).get("conditions")
            return current if present else {**current, "status": {"conditions": [ready]}}

        await self._server.rest.patch(kind, call, with_condition)

    async def _kubernetes_service(self) -> None:
        flags = self._server.settings.flags
        address = str(flags.service_cluster_ip_range.network_address + 1)
        labels = {"component": "apiserver", "provider": "kubernetes"}
        spec = {
            "clusterIP": address,
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": flags.secure_port}],
        }
        await self.ensure("", "v1", "services", "default", {"metadata": {"name": "kubernetes", "labels": labels}, "spec": spec})

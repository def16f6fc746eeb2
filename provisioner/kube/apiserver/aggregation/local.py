"""APIServices of the groups that this server serves itself: made and removed with them, always available."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from provisioner.kube.api._generated import meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.apiserver.aggregation.services import STORED_AS
from provisioner.kube.apiserver.bootstrap.objects import Bootstrap
from provisioner.kube.storage.cache import Change, NotFresh
from provisioner.kube.storage.etcd import EtcdError

if TYPE_CHECKING:
    from provisioner.kube.apiserver.server import Server

log = logging.getLogger(__name__)

GROUP = "apiregistration.k8s.io"
MANAGED = "kube-aggregator.kubernetes.io/automanaged"
# How long after a change of the custom resources theirs follow.
STEP_S = 1.0
# Upstream's priorities of built-in groups, and of custom ones.
PRIORITIES = {
    "": 18000,
    "admissionregistration.k8s.io": 16700,
    "apiextensions.k8s.io": 16700,
    "apps": 17800,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "coordination.k8s.io": 16500,
    "discovery.k8s.io": 16200,
    "events.k8s.io": 17750,
    "flowcontrol.apiserver.k8s.io": 16100,
    "networking.k8s.io": 17200,
    "node.k8s.io": 16300,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "resource.k8s.io": 15900,
    "scheduling.k8s.io": 16600,
    "storage.k8s.io": 16800,
    "storagemigration.k8s.io": 15800,
}
LOCAL = ("Local", "Local APIServices are always available")
CUSTOM_PRIORITY, CUSTOM_VERSION_PRIORITY = 1000, 100


class LocalServices:
    def __init__(self, server: Server) -> None:
        self._server, self._writer = server, Bootstrap(server)
        # names whose objects somebody changed
        self._touched: set[str] = set()
        server.cache.collection(STORED_AS).listeners.append(self._follow)

    def _follow(self, change: Change) -> None:
        if change.old is not None and change.new is not None:
            self._touched.add(change.new.key)

    def wanted(self) -> dict[str, dict[str, Any]]:
        """name -> APIService, of every group and version but our own of APIServices."""
        found = {}
        for kind in self._server.registry.kinds():
            group, version = kind.resource.group, kind.resource.version
            if group == GROUP or f"{version}.{group}" in found:
                continue
            own = group in PRIORITIES
            found[f"{version}.{group}"] = {
                "metadata": {"name": f"{version}.{group}", "labels": {MANAGED: "onstart" if own else "true"}},
                "spec": {
                    "group": group,
                    "version": version,
                    "groupPriorityMinimum": PRIORITIES.get(group, CUSTOM_PRIORITY),
                    "versionPriority": _version_priority(version) if own else CUSTOM_VERSION_PRIORITY,
                },
            }
        for (group, version), remote in self._server.services.built_in.items():
            spec = msgspec.to_builtins(remote.service.spec)
            found[f"{version}.{group}"] = {"metadata": {"name": f"{version}.{group}", "labels": {MANAGED: "true"}}, "spec": spec}
        return found

    async def run(self) -> None:
        """Follow what is served."""
        while True:
            try:
                await self.step()
            except (StatusError, EtcdError, NotFresh) as error:
                log.warning("local API services are not right yet: %s", error)
            await self._server.clock.sleep(STEP_S)

    async def step(self) -> None:
        entries = self._server.cache.collection(STORED_AS).entries
        wanted = self.wanted()
        missing = [document for name, document in wanted.items() if name not in entries]
        await asyncio.gather(*(self._make(document) for document in missing))
        touched, self._touched = self._touched & set(entries), set()
        for name in touched:
            if (msgspec.json.decode(entries[name].data)["spec"]).get("service") is None:
                await self.record(name, "True", *LOCAL)
        gone = [e.key for e in list(entries.values()) if e.labels.get(MANAGED) == "true" and e.key not in wanted]
        for name in gone:
            kind = self._writer.kind(GROUP, "v1", "apiservices")
            await self._server.rest.delete(kind, self._writer.call("delete", kind, "", name), meta_v1.DeleteOptions())

    async def _make(self, document: dict[str, Any]) -> None:
        await self._writer.ensure(GROUP, "v1", "apiservices", "", document)
        await self.record(document["metadata"]["name"], "True", *LOCAL)

    async def record(self, name: str, status: str, reason: str, message: str) -> None:
        """The condition Available of an APIService, where it is not so already."""
        entry = self._server.cache.collection(STORED_AS).entries.get(name)
        if entry is not None:
            conditions = (msgspec.json.decode(entry.data).get("status") or {}).get("conditions") or ()
            have: dict[str, Any] = next((c for c in conditions if c.get("type") == "Available"), {})
            if (have.get("status"), have.get("reason"), have.get("message")) == (status, reason, message):
                return
        kind = self._writer.kind(GROUP, "v1", "apiservices")
        call = self._writer.call("patch", kind, "", name)
        call.target = replace(call.target, subresource="status")
        now = rfc3339(self._server.clock.now())

        def with_condition(current: dict[str, Any]) -> dict[str, Any]:
            before = list((current.get("status") or {}).get("conditions") or ())
            old: dict[str, Any] = next((c for c in before if c.get("type") == "Available"), {})
            since = old.get("lastTransitionTime") if old.get("status") == status else now
            made = {"type": "Available", "status": status, "reason": reason, "message": message, "lastTransitionTime": since or now}
            return {**current, "status": {"conditions": [*(c for c in before if c.get("type") != "Available"), made]}}

        try:
            await self._server.rest.patch(kind, call, with_condition)
        except (StatusError, EtcdError, NotFresh) as error:
            if not isinstance(error, StatusError) or error.code not in (404, 409):
                log.warning("condition of an API service is not written name=%s: %s", name, error)


def _version_priority(version: str) -> int:
    """v2 before v1 before betas."""
    return 9 if "beta" in version else 30 if version == "v2" else 15

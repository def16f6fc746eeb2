"""Namespaces: one that is to go takes everything in it along, and is let go when nothing is left."""

from __future__ import annotations

from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.controllers.controller import Controller, Parts

# How soon to look again while something is still on its way out.
AGAIN_S = 1.0


class Namespaces(Controller):
    name = "namespace"
    workers = 5

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._namespaces = self.watch(core_v1.Namespace)

    async def reconcile(self, key: str) -> float | None:
        namespace: core_v1.Namespace | None = self._namespaces.store.get(key)
        if namespace is None or namespace.metadata.deletion_timestamp is None:
            return None
        if "kubernetes" not in (namespace.spec.finalizers or ()):
            return None
        left = await self._delete_content(key)
        if left:
            await self._tell(namespace, left)
            return AGAIN_S
        finalizers = [f for f in namespace.spec.finalizers or () if f != "kubernetes"]
        fresh = msgspec.structs.replace(namespace, spec=core_v1.NamespaceSpec(finalizers=finalizers))
        try:
            await self.client.update(fresh, subresource="finalize")
        except StatusError as error:
            if error.code not in (404, 409):
                raise
            return AGAIN_S if error.code == 409 else None
        return None

    async def _delete_content(self, namespace: str) -> dict[str, int]:
        """Ask for the deletion of everything; how many objects of which resource are still there."""
        left: dict[str, int] = {}
        for path, plural in await self._resources():
            collection = f"{path}/namespaces/{namespace}/{plural}"
            try:
                await self.client.raw(
                    "DELETE", collection, body=b'{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background"}'
                )
                listed: dict[str, Any] = msgspec.json.decode(await self.client.raw("GET", collection))
            except StatusError as error:
                if error.code in (404, 405):
                    continue
                raise
            if listed.get("items"):
                left[plural] = len(listed["items"])
        return left

    async def _resources(self) -> list[tuple[str, str]]:
        """(path, plural) of every namespaced resource that can be listed and deleted, in its preferred version."""
        found = []
        groups: dict[str, Any] = msgspec.json.decode(await self.client.raw("GET", "/apis"))
        paths = ["/api/v1", *(f"/apis/{g['preferredVersion']['groupVersion']}" for g in groups["groups"])]
        for path in paths:
            listed: dict[str, Any] = msgspec.json.decode(await self.client.raw("GET", path))
            for resource in listed["resources"]:
                verbs = set(resource["verbs"])
                if (
                    resource["namespaced"]
                    and "/" not in resource["name"]
                    and {"list", "deletecollection"} <= verbs
                    and path != "/apis/events.k8s.io/v1"
                ):
                    found.append((path, resource["name"]))
        return found

    async def _tell(self, namespace: core_v1.Namespace, left: dict[str, int]) -> None:
        """What is in the way, as a condition."""
        message = "Some resources are remaining: " + ", ".join(
            f"{plural}. has {count} resource instances" for plural, count in sorted(left.items())
        )
        known = [c for c in namespace.status.conditions or () if c.type == "NamespaceContentRemaining"]
        if known and known[0].message == message:
            return
        condition = core_v1.NamespaceCondition(
            type="NamespaceContentRemaining", status="True", reason="SomeResourcesRemain", message=message, last_transition_time=self.now()
        )
        others = [c for c in namespace.status.conditions or () if c.type != "NamespaceContentRemaining"]
        status = core_v1.NamespaceStatus(phase="Terminating", conditions=[*others, condition])
        await self.client.update_status(msgspec.structs.replace(namespace, status=status))

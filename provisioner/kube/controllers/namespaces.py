"""Namespaces: one that is to go takes everything in it along, and is let go when nothing is left."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.controllers.controller import Controller, Parts

# How soon to look again while something is still on its way out.
AGAIN_S = 1.0
PODS = ("/api/v1", "pods")
_INCOMPLETE = "unable to retrieve the complete list of server APIs"


@dataclass
class Remains:
    """What is still there: objects by resource (`pods.`, `deployments.apps`), and of these those with a finalizer by its name. And what could
    not be done: why groups' versions did not tell of their resources, by version, and why resources were not deleted."""

    objects: dict[str, int] = field(default_factory=dict)
    finalizers: Counter[str] = field(default_factory=Counter)
    undiscovered: dict[str, StatusError] = field(default_factory=dict)
    failures: list[StatusError] = field(default_factory=list)


def conditions_of(remains: Remains) -> list[tuple[str, bool, str, str]]:
    """(type, whether it holds, reason, message), in upstream's words."""
    objects = ", ".join(f"{name} has {count} resource instances" for name, count in sorted(remains.objects.items()))
    finalizers = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(remains.finalizers.items()))
    deleted = ("ContentDeleted", "All content successfully deleted, may be waiting on finalization")
    failed = f"Failed to delete all resource types, {len(remains.failures)} remaining: {', '.join(sorted(map(str, remains.failures)))}"
    found = ("ResourcesDiscovered", "All resources successfully discovered")
    unknown = ", ".join(f"{version}: {error}" for version, error in sorted(remains.undiscovered.items()))
    undiscovered = f"Discovery failed for some groups, {len(remains.undiscovered)} failing: {_INCOMPLETE}: {unknown}"
    content = ("SomeResourcesRemain", f"Some resources are remaining: {objects}")
    holding = ("SomeFinalizersRemain", f"Some content in the namespace has finalizers remaining: {finalizers}")
    return [
        ("NamespaceDeletionDiscoveryFailure", bool(unknown), *(("DiscoveryFailed", undiscovered) if unknown else found)),
        ("NamespaceDeletionGroupVersionParsingFailure", False, "ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ("NamespaceDeletionContentFailure", bool(remains.failures), *(("ContentDeletionFailed", failed) if remains.failures else deleted)),
        ("NamespaceContentRemaining", bool(objects), *(content if objects else ("ContentRemoved", "All content successfully removed"))),
        (
            "NamespaceFinalizersRemaining",
            bool(finalizers),
            *(holding if finalizers else ("ContentHasNoFinalizers", "All content-preserving finalizers finished")),
        ),
    ]


class _Listed(msgspec.Struct):
    """Of a list, what says whether anything is left."""

    items: list[_Item] = []


class _Item(msgspec.Struct):
    metadata: _Metadata


class _Metadata(msgspec.Struct):
    finalizers: list[str] | None = None


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
        remains = await self._delete_content(key)
        failed = [*remains.undiscovered.values(), *remains.failures]
        if remains.objects or failed:
            await self._tell(namespace, remains)
            if failed:
                raise failed[0]
            return AGAIN_S
        finalizers = [f for f in namespace.spec.finalizers or () if f != "kubernetes"]
        if finalizers or namespace.metadata.finalizers:
            # It stays for somebody else, and says that it is not for us.
            namespace = await self._tell(namespace, remains)
        fresh = msgspec.structs.replace(namespace, spec=core_v1.NamespaceSpec(finalizers=finalizers))
        try:
            await self.client.update(fresh, subresource="finalize")
        except StatusError as error:
            if error.code not in (404, 409):
                raise
            return AGAIN_S if error.code == 409 else None
        return None

    async def _delete_content(self, namespace: str) -> Remains:
        """Ask for the deletion of everything: pods first, and the rest when there is none left; what is still there."""
        remains = Remains()
        resources = await self._resources(remains)
        for is_pods in (True, False):
            for path, plural in resources:
                if ((path, plural) == PODS) is is_pods:
                    await self._delete_all(f"{path}/namespaces/{namespace}/{plural}", f"{plural}.{_group(path)}", remains)
            if remains.objects or (is_pods and remains.failures):
                break
        return remains

    async def _delete_all(self, collection: str, name: str, remains: Remains) -> None:
        try:
            await self.client.raw("DELETE", collection, body=b'{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background"}')
            listed = msgspec.json.decode(await self.client.raw("GET", collection), type=_Listed)
        except StatusError as error:
            if error.code not in (404, 405):
                remains.failures.append(error)
            return
        if listed.items:
            remains.objects[name] = len(listed.items)
            remains.finalizers.update(f for item in listed.items for f in item.metadata.finalizers or ())

    async def _resources(self, remains: Remains) -> list[tuple[str, str]]:
        """(path, plural) of every namespaced resource that can be listed and deleted, in its preferred version; a group whose server is away
        is noted."""
        found = []
        groups: dict[str, Any] = msgspec.json.decode(await self.client.raw("GET", "/apis"))
        paths = ["/api/v1", *(f"/apis/{g['preferredVersion']['groupVersion']}" for g in groups["groups"])]
        for path in paths:
            try:
                listed: dict[str, Any] = msgspec.json.decode(await self.client.raw("GET", path))
            except StatusError as error:
                if error.code != 404:
                    remains.undiscovered[path.removeprefix("/apis/")] = error
                continue
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

    async def _tell(self, namespace: core_v1.Namespace, remains: Remains) -> core_v1.Namespace:
        """What is in the way, as conditions; a transition time moves with its status only. The namespace that says it."""
        known = {c.type: c for c in namespace.status.conditions or ()}
        made = []
        for type_, holds, reason, message in conditions_of(remains):
            before, status = known.get(type_), "True" if holds else "False"
            since = before.last_transition_time if before is not None and before.status == status else self.now()
            made.append(core_v1.NamespaceCondition(type=type_, status=status, reason=reason, message=message, last_transition_time=since))
        others = [c for c in namespace.status.conditions or () if c.type not in {m.type for m in made}]
        status_ = core_v1.NamespaceStatus(phase="Terminating", conditions=[*others, *made])
        if status_ == namespace.status:
            return namespace
        return await self.client.update_status(msgspec.structs.replace(namespace, status=status_))


def _group(path: str) -> str:
    """`apps` of /apis/apps/v1, and nothing of /api/v1."""
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "apis" else ""

"""Namespaces and what is made in them: NamespaceLifecycle, and NamespaceAutoProvision and NamespaceExists where they are enabled.

NamespaceLifecycle: nothing is made in a namespace that is not there or is ending; the system's own namespaces can't be deleted.
"""

from __future__ import annotations

import uuid

from provisioner.kube.api.errors import StatusError, forbidden, not_found, unavailable
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.storage.cache import ROOT, WatchCache
from provisioner.kube.storage.etcd import EtcdError
from provisioner.kube.storage.store import Conflict, Store

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
# Reviews are questions, not objects in the namespace.
QUESTIONS = frozenset({"LocalSubjectAccessReview"})


class NamespaceLifecycle(Plugin):
    name = "NamespaceLifecycle"

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        resource, namespace = kind.resource, call.target.namespace
        if old is not None or not resource.namespaced or resource.kind in QUESTIONS:
            return
        namespaces = self._cache.collection("core/namespaces").entries
        if namespace not in namespaces:
            await self._cache.fresh()
        entry = namespaces.get(namespace)
        if entry is None:
            raise not_found("namespaces", namespace)
        if entry.fields.get("status.phase") == "Terminating":
            message = f"unable to create new content in namespace {namespace} because it is being terminated"
            error: StatusError = forbidden(resource.plural, new.metadata.name or new.metadata.generate_name or "", message, resource.group)
            error.details["causes"] = [
                {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated", "field": "metadata.namespace"}
            ]
            raise error

    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None:
        if kind.resource.kind == "Namespace" and old.metadata.name in IMMORTAL:
            raise forbidden("namespaces", old.metadata.name, "this namespace may not be deleted")


class NamespaceExists(Plugin):
    """Nothing is written in a namespace that is not there."""

    name = "NamespaceExists"

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        namespace = call.target.namespace
        if not kind.resource.namespaced or kind.resource.kind in QUESTIONS:
            return
        if namespace not in self._cache.collection("core/namespaces").entries:
            await self._cache.fresh()
            if namespace not in self._cache.collection("core/namespaces").entries:
                raise not_found("namespaces", namespace)


class NamespaceAutoProvision(Plugin):
    """A namespace that is not there is made when something is made in it."""

    name = "NamespaceAutoProvision"

    def __init__(self, cache: WatchCache, store: Store, registry: Registry) -> None:
        self._cache, self._store, self._registry = cache, store, registry

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        name = call.target.namespace
        if old is not None or not kind.resource.namespaced or kind.resource.kind in QUESTIONS or call.dry_run:
            return
        if name in self._cache.collection("core/namespaces").entries:
            return
        namespaces = self._registry.find("", "v1", "namespaces")
        assert namespaces is not None
        made = namespaces.decode({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": str(uuid.uuid4())}})
        made.metadata.creation_timestamp = new.metadata.creation_timestamp
        namespaces.strategy.prepare_create(made)
        namespaces.default(made)
        body = namespaces.stored(namespaces.to_dict(made))
        try:
            await self._store.put(ROOT + f"core/namespaces/{name}".encode(), body, 0)
        except Conflict:
            pass
        except EtcdError as error:
            raise unavailable(str(error)) from error
        await self._cache.fresh()

"""NamespaceLifecycle: nothing is made in a namespace that is not there or is ending; the system's own namespaces can't be deleted."""

from __future__ import annotations

from provisioner.kube.api.errors import StatusError, forbidden, not_found
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.storage.cache import WatchCache

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
            error: StatusError = forbidden(resource.plural, new.metadata.name or "", message, resource.group)
            error.details["causes"] = [
                {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated", "field": "metadata.namespace"}
            ]
            raise error

    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None:
        if kind.resource.kind == "Namespace" and old.metadata.name in IMMORTAL:
            raise forbidden("namespaces", old.metadata.name, "this namespace may not be deleted")

"""Subresources through which one part of an object changes: namespaces/finalize, certificatesigningrequests/approval,
pods/ephemeralcontainers and pods/resize."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.api.validation import namespaces
from provisioner.kube.api.validation import pod as pod_rules
from provisioner.kube.api.validation.certificates import approval
from provisioner.kube.apiserver.admission.certificates import Certificates
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.rest import Applied, Rest, check_name
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import Entry

# The object as it is, in plain dicts -> the document that is wanted.
Wanted = Callable[[dict[str, Any]], Any]
_RULES: dict[str, Callable[[Any, Any], list[FieldError]]] = {
    "ephemeralcontainers": pod_rules.ephemeral_containers,
    "resize": pod_rules.resize,
}


@dataclass(frozen=True, slots=True)
class Parts:
    """Changes of parts. `certificates` judges who approves."""

    rest: Rest
    certificates: Certificates
    clock: Clock

    async def change(self, kind: Kind, call: Call, wanted: Wanted) -> bytes:
        """Put the subresource's part of what is wanted into the object; the rest of it stays. Raises StatusError."""

        async def changed(obj: Obj, _: Entry) -> Obj:
            return await self._changed(kind, call, obj, wanted(kind.to_dict(obj)))

        return await self.rest.change_whole(kind, call, changed)

    async def apply(self, kind: Kind, call: Call, document: Any) -> bytes:
        """Server-side apply of the part. Raises StatusError."""
        self.rest.check_appliable(kind, call, document)
        applied = Applied()

        async def merged(obj: Obj, _: Entry) -> Obj:
            applied.document = self.rest.applied_to(kind, call, kind.to_dict(obj), document)
            return await self._changed(kind, call, obj, applied.document)

        return await self.rest.change_whole(kind, call, merged, applied)

    async def _changed(self, kind: Kind, call: Call, obj: Obj, document: Any) -> Obj:
        name = call.target.subresource
        before = copy.deepcopy(obj)
        given = self.rest.decoded(kind, call, document)
        check_name(given.metadata.name, call.target.name)
        version = given.metadata.resource_version
        if version and version != obj.metadata.resource_version:
            raise errors.conflict(kind.resource.plural, call.target.name, group=kind.resource.group)
        if name == "finalize":
            obj.spec.finalizers = given.spec.finalizers
            await self._admitted(kind, call, obj, before, namespaces.finalize(obj))
        elif name == "approval":
            await self.certificates.check_approval(call, obj)
            obj.metadata.labels, obj.metadata.annotations = given.metadata.labels, given.metadata.annotations
            obj.status.conditions = given.status.conditions
            for condition in obj.status.conditions or ():
                condition.last_update_time = condition.last_update_time or rfc3339(self.clock.now())
                condition.last_transition_time = condition.last_transition_time or rfc3339(self.clock.now())
            await self._admitted(kind, call, obj, before, approval(obj, before))
        else:
            if name == "ephemeralcontainers":
                obj.spec.ephemeral_containers = given.spec.ephemeral_containers
            else:
                obj.spec = given.spec
            kind.default(obj)
            await self._admitted(kind, call, obj, before, None)
            if obj.spec != before.spec:
                obj.metadata.generation = (before.metadata.generation or 0) + 1
        return obj

    async def _admitted(self, kind: Kind, call: Call, obj: Obj, before: Obj, found: list[FieldError] | None) -> None:
        """`found` are validation's findings, None where the subresource's own rules are to look."""
        await self.rest.admission.mutate(call, kind, obj, before)
        if found is None:
            found = _RULES[call.target.subresource](obj, before)
        if found:
            raise errors.invalid(kind.resource.kind, call.target.name, found, kind.resource.group)
        await self.rest.admission.validate(call, kind, obj, before)

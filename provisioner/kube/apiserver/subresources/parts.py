"""Subresources through which one part of an object changes: namespaces/finalize, certificatesigningrequests/approval,
pods/ephemeralcontainers and pods/resize."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.api.validation import pod as pod_rules
from provisioner.kube.apiserver.admission.certificates import Certificates
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.subresources.pods import decoded
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import Entry

# The object as it is, in plain dicts -> the document that is wanted.
Wanted = Callable[[dict[str, Any]], dict[str, Any]]
_RULES: dict[str, Callable[[Any, Any], list[FieldError]]] = {
    "ephemeralcontainers": pod_rules.ephemeral_containers,
    "resize": pod_rules.resize,
}


async def change_part(rest: Rest, kind: Kind, call: Call, wanted: Wanted, certificates: Certificates, clock: Clock) -> bytes:
    """Put the subresource's part of what is wanted into the object; the rest of it stays. Raises StatusError."""
    name = call.target.subresource

    async def change(obj: Obj, _: Entry) -> Obj:
        before = copy.deepcopy(obj)
        given = decoded(kind.struct, {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind, **wanted(kind.to_dict(obj))})
        version = given.metadata.resource_version
        if version and version != obj.metadata.resource_version:
            raise errors.conflict(kind.resource.plural, call.target.name, group=kind.resource.group)
        if name == "finalize":
            obj.spec.finalizers = given.spec.finalizers
        elif name == "approval":
            await certificates.check_approval(call, obj)
            obj.status.conditions = given.status.conditions
            for condition in obj.status.conditions or ():
                condition.last_update_time = condition.last_update_time or rfc3339(clock.now())
        else:
            await _change_pod(rest, kind, call, obj, before, given)
        return obj

    return await rest.change_whole(kind, call, change)


async def _change_pod(rest: Rest, kind: Kind, call: Call, obj: Obj, before: Obj, given: Obj) -> None:
    name = call.target.subresource
    if name == "ephemeralcontainers":
        obj.spec.ephemeral_containers = given.spec.ephemeral_containers
    else:
        obj.spec = given.spec
    kind.default(obj)
    await rest.admission.mutate(call, kind, obj, before)
    found = _RULES[name](obj, before)
    if found:
        raise errors.invalid("Pod", call.target.name, found)
    await rest.admission.validate(call, kind, obj, before)
    if obj.spec != before.spec:
        obj.metadata.generation = (before.metadata.generation or 0) + 1

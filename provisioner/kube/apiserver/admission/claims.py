"""Who writes which part of a resource claim's status must be allowed that part (DRAResourceClaimGranularStatusAuthorization): the allocation and
whom it is reserved for by resourceclaims/binding, what drivers say of devices by resourceclaims/driver and the driver's name.
Source: "Hardening Guide - Dynamic Resource Allocation"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from provisioner.kube.api import errors
from provisioner.kube.api.errors import FieldError
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import WatchCache

CLAIMS = "resource.k8s.io/resourceclaims"
ADMIN_LABEL = "resource.kubernetes.io/admin-access"
_NODE = "authentication.kubernetes.io/node-name"


class AdminAccess(Plugin):
    """Devices are shared with who watches over them only in namespaces that are marked for it (DRAAdminAccess)."""

    optional = False
    kinds = frozenset({CLAIMS, "resource.k8s.io/resourceclaimtemplates"})

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if old is not None or call.target.subresource:
            return
        path, spec = ("spec", new.spec) if kind.stored_as == CLAIMS else ("spec.spec", new.spec.spec)
        where = next(_privileged(spec, f"{path}.devices.requests"), "")
        namespace = self._cache.collection("core/namespaces").entries.get(call.target.namespace)
        if where and (namespace is None or namespace.labels.get(ADMIN_LABEL) != "true"):
            message = f"admin access to devices requires the `{ADMIN_LABEL}: true` label on the containing namespace"
            found = [errors.forbidden_field(where, message)]
            raise errors.invalid(kind.resource.kind, new.metadata.name or "", found, kind.resource.group)


def _privileged(spec: Any, path: str) -> Iterator[str]:
    devices = spec.devices if spec is not None else None
    for index, request in enumerate((devices.requests or ()) if devices is not None else ()):
        nested = hasattr(request, "exactly")
        exactly = request.exactly if nested else request
        if exactly is not None and exactly.admin_access:
            yield f"{path}[{index}]{'.exactly' if nested else ''}.adminAccess"


class ClaimStatusAuthorization(Plugin):
    optional = False
    kinds = frozenset({CLAIMS})

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if old is None or call.target.subresource != "status" or new.status == old.status:
            return
        found: list[FieldError] = []
        if (new.status.allocation, new.status.reserved_for or None) != (old.status.allocation, old.status.reserved_for or None):
            asked = replace(call.target, subresource="binding", namespace="", name="")
            if refusal := await self._refusal(call.user, [asked]):
                what = f'resource="resourceclaims/binding", verb="{asked.verb}" permission'
                found.append(
                    errors.forbidden_field("status", f"changing status.allocation or status.reservedFor requires {what}: {refusal}")
                )
        verbs = list(_verbs(call, new))
        for driver in sorted(_drivers(new.status, old.status)):
            ways = [replace(call.target, verb=verb, subresource="driver", name=driver) for verb in verbs]
            if refusal := await self._refusal(call.user, ways):
                what = f'resource="resourceclaims/driver", verb="[{" ".join(verbs)}]" permission'
                found.append(errors.forbidden_field("status.devices", f"changing status.devices requires {what}: {refusal}"))
        if found:
            raise errors.invalid("ResourceClaim", new.metadata.name or "", found, kind.resource.group)

    async def _refusal(self, user: User, ways: list[Target]) -> str:
        """ "" where one of the ways is allowed."""
        first = ""
        for asked in ways:
            verdict = await self._authorizer.judge(user, asked)
            if verdict.allowed:
                return ""
            detail = Authorizer.refusal(user, asked, verdict.reason)
            first = first or errors.forbidden(f"{asked.resource}/{asked.subresource}", asked.name, detail, asked.group).message
        return first


def _drivers(new: Any, old: Any) -> set[str]:
    """Those of whose devices something else is said."""
    before, after = ({(d.driver, d.pool, d.device, d.share_id): d for d in status.devices or ()} for status in (old, new))
    return {key[0] or "" for key in {**before, **after} if before.get(key) != after.get(key)}


def _verbs(call: Call, claim: Any) -> Iterator[str]:
    node = _node(claim.status.allocation)
    if node and call.user.name.startswith("system:serviceaccount:") and call.user.extra.get(_NODE) == (node,):
        yield f"associated-node:{call.target.verb}"
    yield f"arbitrary-node:{call.target.verb}"


def _node(allocation: Any) -> str:
    """The one node that the claim's devices are on; "" where there may be others."""
    terms = (allocation.node_selector.node_selector_terms or []) if allocation is not None and allocation.node_selector is not None else []
    if len(terms) != 1 or terms[0].match_expressions or len(terms[0].match_fields or ()) != 1:
        return ""
    field = terms[0].match_fields[0]
    return field.values[0] if (field.key, field.operator) == ("metadata.name", "In") and len(field.values or ()) == 1 else ""

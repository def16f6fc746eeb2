"""Plug-ins of one rule each: AlwaysDeny, DenyServiceExternalIPs."""

from __future__ import annotations

from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj


class AlwaysDeny(Plugin):
    name = "AlwaysDeny"

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        raise forbidden(
            kind.resource.plural,
            new.metadata.name or new.metadata.generate_name or "",
            "admission control is denying all modifications",
            kind.resource.group,
        )

    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None:
        await self.validate(call, kind, old, old)


class DenyServiceExternalIPs(Plugin):
    """Services may keep the external addresses they have, and get no new ones (CVE-2020-8554)."""

    name = "DenyServiceExternalIPs"
    kinds = frozenset({"core/services"})

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if kind.stored_as != "core/services" or call.target.subresource:
            return
        before = set(old.spec.external_ips or ()) if old is not None else set()
        if set(new.spec.external_ips or ()) - before:
            raise forbidden(
                "services", new.metadata.name or new.metadata.generate_name or "", "Use of external IPs is denied by admission control."
            )

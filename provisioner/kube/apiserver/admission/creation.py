"""Who creates an object by an update or an apply must be allowed to create it, too: those verbs alone are for what is there."""

from __future__ import annotations

from dataclasses import replace

from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj


class CreateAuthorization(Plugin):
    name = "CreateAuthorization"
    optional = False

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        if old is not None or call.target.verb not in ("update", "patch"):
            return
        asked = replace(call.target, verb="create")
        verdict = await self._authorizer.judge(call.user, asked)
        if not verdict.allowed:
            raise forbidden(asked.resource, asked.name, Authorizer.refusal(call.user, asked, verdict.reason), asked.group)

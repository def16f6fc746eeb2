"""The mandatory and suggested objects, kept as they should be, and the condition Dangling of flow schemas."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.apiserver.bootstrap.objects import Bootstrap
from provisioner.kube.apiserver.fairness import mandatory
from provisioner.kube.apiserver.fairness.controller import GROUP
from provisioner.kube.storage.cache import NotFresh
from provisioner.kube.storage.etcd import EtcdError

if TYPE_CHECKING:
    from provisioner.kube.apiserver.server import Server

log = logging.getLogger(__name__)

# How often they are looked at; upstream's controllers look once a minute and at each change.
STEP_S = 1.0
SPECS_EVERY = 60


class FlowObjects:
    def __init__(self, server: Server) -> None:
        self._server, self._writer = server, Bootstrap(server)

    async def run(self) -> None:
        turn = 0
        while True:
            try:
                if turn % SPECS_EVERY == 0:
                    await self.keep()
                await self.tell()
                turn += 1
            except (StatusError, EtcdError, NotFresh) as error:
                log.warning("flow schemas are not right yet: %s", error)
            await self._server.clock.sleep(STEP_S)

    async def keep(self) -> None:
        """Make what is missing, put right what differs and is ours to put right."""
        for plural, documents in (("prioritylevelconfigurations", mandatory.priority_levels()), ("flowschemas", mandatory.flow_schemas())):
            for document in documents:
                await self._writer.ensure(GROUP, "v1", plural, "", document)
                await self._put_right(plural, document)

    async def _put_right(self, plural: str, document: dict[str, Any]) -> None:
        name = document["metadata"]["name"]
        kind = self._writer.kind(GROUP, "v1", plural)
        entry = self._server.cache.collection(kind.stored_as).entries.get(name)
        if entry is None:
            return
        stored = msgspec.json.decode(entry.data)
        if name not in mandatory.MANDATORY and (stored["metadata"].get("annotations") or {}).get(mandatory.AUTOUPDATE) != "true":
            return
        wanted = kind.decode({"apiVersion": f"{GROUP}/v1", "kind": kind.resource.kind, **document})
        kind.default(wanted)
        spec = kind.to_dict(wanted)["spec"]
        if name == mandatory.EXEMPT and plural != "flowschemas":
            # What the exempt level shares and lends is for people to say.
            spec = {**spec, "exempt": (stored.get("spec") or {}).get("exempt") or spec.get("exempt")}
        if stored.get("spec") != spec:
            await self._server.rest.patch(kind, self._writer.call("patch", kind, "", name), lambda current: {**current, "spec": spec})

    async def tell(self) -> None:
        """The condition Dangling, where it is not what it should be."""
        for schema, status in self._server.fairness.dangling():
            name = schema.metadata.name or ""
            kind = self._writer.kind(GROUP, "v1", "flowschemas")
            call = self._writer.call("patch", kind, "", name)
            call.target = replace(call.target, subresource="status")
            reference = schema.spec.priority_level_configuration
            level = (reference.name if reference is not None else "") or ""
            found = status == "False"
            condition = {
                "type": "Dangling",
                "status": status,
                "reason": "Found" if found else "NotFound",
                "message": f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" '
                + ("and it exists" if found else "but there is no such object"),
                "lastTransitionTime": rfc3339(self._server.clock.now()),
            }

            def with_condition(current: dict[str, Any], condition: dict[str, Any] = condition) -> dict[str, Any]:
                others = [c for c in (current.get("status") or {}).get("conditions") or () if c.get("type") != "Dangling"]
                return {**current, "status": {"conditions": [*others, condition]}}

            try:
                await self._server.rest.patch(kind, call, with_condition)
            except StatusError as error:
                if error.code not in (404, 409):
                    raise

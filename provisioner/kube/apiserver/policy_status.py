"""Writes the status of ValidatingAdmissionPolicies: which generation was looked at, and what type checking has to say of its expressions.

Upstream does this in its controller manager; here it is done where the types are. Each server does it; what they write is the same.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.kube.api import codec
from provisioner.kube.api._generated import admissionregistration_v1 as registration
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.admission import type_checks
from provisioner.kube.apiserver.bootstrap.objects import Bootstrap
from provisioner.kube.storage.cache import Change, NotFresh
from provisioner.kube.storage.etcd import EtcdError

if TYPE_CHECKING:
    from provisioner.kube.apiserver.server import Server

log = logging.getLogger(__name__)

GROUP, PLURAL = "admissionregistration.k8s.io", "validatingadmissionpolicies"
STEP_S = 0.2


class PolicyStatus:
    def __init__(self, server: Server) -> None:
        self._server, self._writer = server, Bootstrap(server)
        collection = server.cache.collection(f"{GROUP}/{PLURAL}")
        self._waiting = dict.fromkeys(collection.entries)
        collection.listeners.append(self._changed)

    def _changed(self, change: Change) -> None:
        if change.new is not None:
            self._waiting[change.new.key] = None

    async def run(self) -> None:
        while True:
            for name in list(self._waiting):
                del self._waiting[name]
                try:
                    await self._look(name)
                except (StatusError, EtcdError, NotFresh) as error:
                    if not isinstance(error, StatusError) or error.code not in (404, 409):
                        log.warning("status of a policy is not written name=%s: %s", name, error)
                        self._waiting[name] = None
            await self._server.clock.sleep(STEP_S)

    async def _look(self, name: str) -> None:
        entry = self._server.cache.collection(f"{GROUP}/{PLURAL}").entries.get(name)
        if entry is None:
            return
        policy = codec.decode(registration.ValidatingAdmissionPolicy, entry.data)
        if policy.status.observed_generation == policy.metadata.generation and policy.status.type_checking is not None:
            return
        kinds = self._server.registry.kinds()
        wanted = policy.spec.param_kind
        params = None
        if wanted is not None:
            group, _, version = (wanted.api_version or "").rpartition("/")
            asked = (group, version, wanted.kind)
            params = next((k for k in kinds if (k.resource.group, k.resource.version, k.resource.kind) == asked), None)
        found = type_checks.warnings(policy, type_checks.kinds_of(policy, kinds), params)
        checking: dict[str, Any] = {}
        if found:
            checking["expressionWarnings"] = [{"fieldRef": field, "warning": warning} for field, warning in found]
        kind = self._writer.kind(GROUP, "v1", PLURAL)
        call = self._writer.call("patch", kind, "", name)
        call.target = replace(call.target, subresource="status")
        status = {"observedGeneration": policy.metadata.generation, "typeChecking": checking}

        def with_status(current: dict[str, Any]) -> dict[str, Any]:
            if current["metadata"].get("generation") != policy.metadata.generation:
                return current
            return {**current, "status": {**(current.get("status") or {}), **status}}

        await self._server.rest.patch(kind, call, with_status)

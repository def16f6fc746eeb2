"""Which function answers which subresource, and which question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.apiserver import negotiation, tabular
from provisioner.kube.apiserver.admission.certificates import Certificates
from provisioner.kube.apiserver.app import json_response
from provisioner.kube.apiserver.authentication.authn import Authenticator
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.authorization.rbac import Rbac
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.forms import formed
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.subresources import pods, reviews, scale
from provisioner.kube.apiserver.subresources.bodies import SCALE
from provisioner.kube.apiserver.subresources.evictions import evict
from provisioner.kube.apiserver.subresources.parts import Parts
from provisioner.kube.apiserver.subresources.streams import Streams
from provisioner.kube.apiserver.writes import Patcher
from provisioner.kube.client.clock import Clock

STREAMS = frozenset({"log", "exec", "attach", "portforward", "proxy"})


# What a stream's parameters are called where they are an object.
_OPTIONS = {"exec": "PodExecOptions", "attach": "PodAttachOptions", "portforward": "PodPortForwardOptions"}


def connect_options(kind: Kind, name: str, query: Mapping[str, str], path: str) -> dict[str, Any]:
    """A stream's parameters as admission sees them."""
    found: dict[str, Any] = {"kind": _OPTIONS.get(name) or f"{kind.resource.kind}ProxyOptions", "apiVersion": "v1"}
    if name == "proxy":
        return {**found, "path": path}
    getall = getattr(query, "getall", lambda key: [query[key]])
    for key in dict.fromkeys(query):
        values = getall(key)
        if key in ("stdin", "stdout", "stderr", "tty"):
            found[key] = values[0] in ("", "1", "true")
        elif key == "command":
            found[key] = list(values)
        elif key == "ports":
            found[key] = [int(port) for value in values for port in value.split(",") if port.isdigit()]
        else:
            found[key] = values[0]
    return found


class Subresources:
    def __init__(
        self,
        registry: Registry,
        rest: Rest,
        authenticator: Authenticator,
        authorizer: Authorizer,
        rbac: Rbac,
        streams: Streams,
        certificates: Certificates,
        clock: Clock,
    ) -> None:
        self._registry, self._rest, self._clock = registry, rest, clock
        self._parts = Parts(rest, certificates, clock)
        self._authenticator, self._authorizer, self._rbac, self._streams = authenticator, authorizer, rbac, streams

    def _core(self, plural: str) -> Kind:
        kind = self._registry.find("", "v1", plural)
        assert kind is not None
        return kind

    def _bound(self, kind: str) -> Kind | None:
        return {"Pod": self._core("pods"), "Secret": self._core("secrets"), "Node": self._core("nodes")}.get(kind)

    async def _may_open(self, call: Call) -> None:
        """A WebSocket is asked for with GET, and does what POST does: since 1.35 it takes the same right. Raises 403."""
        target = replace(call.target, verb="create")
        verdict = await self._authorizer.judge(call.user, target)
        if not verdict.allowed:
            raise errors.forbidden(target.resource, target.name, Authorizer.refusal(call.user, target, verdict.reason), target.group)

    async def may_delete_unread(self, call: Call) -> None:
        """Who removes what nobody can read must be allowed to do just that. Raises 403."""
        target = replace(call.target, verb="unsafe-delete-ignore-read-errors")
        verdict = await self._authorizer.judge(call.user, target)
        if not verdict.allowed:
            raise errors.forbidden(target.resource, target.name, Authorizer.refusal(call.user, target, verdict.reason), target.group)

    def components(self, kind: Kind, request: web.Request, call: Call) -> web.Response:
        """componentstatuses, which are deprecated: etcd is the only component that the API server knows. Raises 404."""
        failure, name = self._rest.cache.failure, call.target.name
        condition = {"type": "Healthy", "status": "False" if failure else "True", "message": failure or "ok"}
        etcd = msgspec.json.encode(
            {"apiVersion": "v1", "kind": "ComponentStatus", "metadata": {"name": "etcd-0"}, "conditions": [condition]}
        )
        if name:
            if name != "etcd-0":
                raise errors.not_found("componentstatuses", name)
            return formed(request, kind, etcd, call, self._clock.now())
        listed = b'{"kind":"ComponentStatusList","apiVersion":"v1","metadata":{},"items":[%b]}' % etcd
        form = negotiation.accepted(request.headers.get("Accept"))
        if form.shape == "Table":
            listed = tabular.table(kind, [etcd], self._clock.now(), call.query, form.version, {})
        return json_response(listed)

    async def review(self, kind: Kind, call: Call, document: Any) -> Any:
        """Raises StatusError."""
        name = kind.resource.kind
        if name == "TokenReview":
            return await reviews.token_review(self._authenticator, document)
        if name == "SelfSubjectReview":
            return reviews.self_subject(call, self._clock)
        if name == "SelfSubjectRulesReview":
            return reviews.rules_review(self._rbac, call, document)
        if name == "Binding":
            target = replace(call.target, resource="pods", name=(document.get("metadata") or {}).get("name", ""), subresource="binding")
            return await pods.bind(self._rest, self._core("pods"), replace(call, target=target), document, self._clock)
        if name.endswith("AccessReview"):
            return await reviews.access_review(self._authorizer, call, name, document)
        raise errors.method_not_supported(call.target.resource, call.target.verb, call.target.group)

    async def answer(self, kind: Kind, call: Call, request: web.Request) -> web.StreamResponse:
        from provisioner.kube.apiserver.answers import read_body, read_patch

        target = call.target
        name = target.subresource
        if name in STREAMS:
            if name in _OPTIONS and target.verb == "get":
                await self._may_open(call)
            if name != "log":
                await self._rest.admission.connect(call, kind, connect_options(kind, name, request.query, target.rest))
            return await self._streams.answer(kind, call, request)
        if name == "scale":
            return formed(request, SCALE, await self._scaled(kind, call, request), call, self._clock.now())
        if target.verb == "get":
            return formed(request, kind, kind.shown((await self._rest.get(kind, call)).data), call, self._clock.now())
        if target.verb == "patch":
            how, body = await read_patch(request, call)
            made = self._parts.apply(kind, call, body) if how == "apply" else self._parts.change(kind, call, Patcher(kind, how, body))
            return formed(request, kind, await made, call, self._clock.now())
        document = await read_body(
            request, next((one.kind for one in kind.resource.subresources if one.name == name), kind.resource.kind), call
        )
        if name == "binding":
            return json_response(await pods.bind(self._rest, kind, call, document, self._clock), 201)
        if name == "eviction":
            budgets = self._registry.find("policy", "v1", "poddisruptionbudgets")
            assert budgets is not None
            return json_response(await evict(self._rest, kind, call, document, budgets, self._clock), 201)
        if name == "token":
            made_token = await reviews.token_request(self._rest, self._authenticator.tokens, kind, self._bound, call, document)
            return json_response(made_token, 201)
        return formed(request, kind, await self._parts.change(kind, call, lambda _: document), call, self._clock.now())

    async def _scaled(self, kind: Kind, call: Call, request: web.Request) -> bytes:
        """The Scale after what the request wants. Patches of one know no lists, so strategic ones are merge patches."""
        from provisioner.kube.apiserver.answers import read_body, read_patch

        if call.target.verb == "get":
            return await scale.read(self._rest, kind, call)
        if call.target.verb != "patch":
            document = await read_body(request, SCALE.resource.kind, call)
            return await scale.write(self._rest, kind, call, lambda _: document)
        how, body = await read_patch(request, call)
        if how == "apply":
            return await scale.apply(self._rest, kind, call, body)
        return await scale.write(self._rest, kind, call, Patcher(SCALE, "merge" if how == "strategic" else how, body))

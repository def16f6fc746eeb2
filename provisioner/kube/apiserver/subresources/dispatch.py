"""Which function answers which subresource, and which question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.apiserver.admission.certificates import Certificates
from provisioner.kube.apiserver.authn import Authenticator
from provisioner.kube.apiserver.authz import Authorizer
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.rbac import Rbac
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.subresources import pods, reviews, scale
from provisioner.kube.apiserver.subresources.parts import change_part
from provisioner.kube.apiserver.subresources.streams import Streams
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
        self._registry, self._rest, self._clock, self._certificates = registry, rest, clock, certificates
        self._authenticator, self._authorizer, self._rbac, self._streams = authenticator, authorizer, rbac, streams

    def _core(self, plural: str) -> Kind:
        kind = self._registry.find("", "v1", plural)
        assert kind is not None
        return kind

    def _bound(self, kind: str) -> Kind | None:
        return {"Pod": self._core("pods"), "Secret": self._core("secrets"), "Node": self._core("nodes")}.get(kind)

    def components(self, name: str) -> dict[str, Any]:
        """componentstatuses, which are deprecated: etcd is the only component that the API server knows. Raises 404."""
        failure = self._rest.cache.failure
        condition = {"type": "Healthy", "status": "False" if failure else "True", "message": failure or "ok"}
        etcd = {"apiVersion": "v1", "kind": "ComponentStatus", "metadata": {"name": "etcd-0"}, "conditions": [condition]}
        if name and name != "etcd-0":
            raise errors.not_found("componentstatuses", name)
        return etcd if name else {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": [etcd]}

    async def review(self, kind: Kind, call: Call, document: Any) -> Any:
        """Raises StatusError."""
        name = kind.resource.kind
        if call.target.verb != "create":
            raise errors.method_not_supported(call.target.resource, call.target.verb, call.target.group)
        if name == "TokenReview":
            return await reviews.token_review(self._authenticator, document)
        if name == "SelfSubjectReview":
            return reviews.self_subject(call)
        if name == "SelfSubjectRulesReview":
            return reviews.rules_review(self._rbac, call, document)
        if name == "Binding":
            from dataclasses import replace

            target = replace(call.target, resource="pods", name=(document.get("metadata") or {}).get("name", ""), subresource="binding")
            return await pods.bind(self._rest, self._core("pods"), replace(call, target=target), document, self._clock)
        if name.endswith("AccessReview"):
            return await reviews.access_review(self._authorizer, call, name, document)
        raise errors.method_not_supported(call.target.resource, call.target.verb, call.target.group)

    async def answer(self, kind: Kind, call: Call, request: web.Request) -> web.StreamResponse:
        from provisioner.kube.apiserver.answers import patcher, read_body, read_patch
        from provisioner.kube.apiserver.app import json_response

        target = call.target
        name = target.subresource
        if not any(sub.name == name for sub in kind.resource.subresources) and name not in STREAMS:
            raise errors.StatusError(404, "NotFound", "the server could not find the requested resource")
        if name in STREAMS:
            if name != "log":
                await self._rest.admission.connect(call, kind, connect_options(kind, name, request.query, target.rest))
            return await self._streams.answer(kind, call, request)
        if name == "scale" and target.verb == "get":
            return json_response(await scale.read(self._rest, kind, call))
        if name == "scale" and target.verb == "patch":
            how, body = await read_patch(request)
            return json_response(
                await scale.write(
                    self._rest, kind, call, patcher(self._core("pods"), "merge" if how in ("strategic", "apply") else how, body)
                )
            )
        if target.verb == "get":
            return json_response((await self._rest.get(kind, call)).data)
        if target.verb == "patch":
            how, body = await read_patch(request)
            change = patcher(kind, "strategic" if how == "apply" else how, body)
            return json_response(await change_part(self._rest, kind, call, change, self._certificates, self._clock))
        document = await read_body(request)
        if name == "scale":
            return json_response(await scale.write(self._rest, kind, call, document))
        if name == "binding":
            return json_response(await pods.bind(self._rest, kind, call, document, self._clock), 201)
        if name == "eviction":
            budgets = self._registry.find("policy", "v1", "poddisruptionbudgets")
            assert budgets is not None
            return json_response(await pods.evict(self._rest, kind, call, document, budgets, self._clock), 201)
        if name == "token":
            made = await reviews.token_request(self._rest, self._authenticator.tokens, kind, self._bound, call, document)
            return json_response(made, 201)
        if not isinstance(document, dict):
            raise errors.bad_request("the body of the request must be an object")
        return json_response(await change_part(self._rest, kind, call, lambda _: document, self._certificates, self._clock))

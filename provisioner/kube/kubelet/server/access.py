"""Who may use the kubelet's API: client certificates and bearer tokens say who it is, the API server says what they may.

As upstream: `system:masters` (the API server's own certificate) may everything; others need the verb of their method on `nodes/<part>`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.clock import Clock

R = TypeVar("R")

VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
PARTS = {
    "stats": "stats",
    "metrics": "metrics",
    "logs": "log",
    "pods": "pods",
    "runningpods": "pods",
    "healthz": "healthz",
    "configz": "configz",
    "flagz": "flagz",
    "statusz": "statusz",
}
# Fine-grained ones are newer than the roles of many: whoever may `proxy` may them too.
ALSO_BY_PROXY = {"pods", "healthz", "configz", "flagz", "statusz"}
REMEMBERED = 1024
MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class User:
    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """As configured. `webhook` asks the API server about tokens; `always_allow` asks it about nothing."""

    anonymous: bool = False
    webhook: bool = True
    always_allow: bool = False
    allowed_s: float = 300.0
    refused_s: float = 30.0
    token_s: float = 120.0


class _Remembered:
    """Answers with their ends; the oldest go first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers: OrderedDict[Any, tuple[float, Any]] = OrderedDict()

    def get(self, key: Any) -> Any:
        found = self._answers.get(key)
        return found[1] if found is not None and found[0] > self._clock.monotonic() else None

    def put(self, key: Any, answer: Any, for_s: float) -> None:
        self._answers[key] = (self._clock.monotonic() + for_s, answer)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)


class Access:
    """The middleware of the kubelet's server."""

    def __init__(self, client: Client, node_name: str, policy: Policy, clock: Clock) -> None:
        self._client, self._node_name, self._policy = client, node_name, policy
        self._tokens, self._decisions = _Remembered(clock), _Remembered(clock)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def check(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
            if request.path in ("/healthz", "/livez", "/readyz") and self._policy.always_allow:
                return await handler(request)
            try:
                user = await self._who(request)
                if user is None:
                    raise web.HTTPUnauthorized(text="Unauthorized")
                parts = parts_of(request.path)
                verb = VERBS.get(request.method, "get")
                if not await self._may_any(user, verb, parts):
                    text = f"Forbidden (user={user.name}, verb={verb}, resource=nodes, subresource(s)=[{' '.join(parts)}])"
                    raise web.HTTPForbidden(text=text)
            except (StatusError, ConnectionFailed) as error:
                raise web.HTTPInternalServerError(text=f"the API server could not be asked: {error}") from error
            return await handler(request)

        return check

    async def _who(self, request: web.Request) -> User | None:
        certificate = request.transport.get_extra_info("peercert") if request.transport is not None else None
        if certificate:
            return user_of_certificate(certificate)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token and self._policy.webhook:
            return await self._review_token(token.strip())
        if self._policy.anonymous:
            return User("system:anonymous", ("system:unauthenticated",))
        return None

    async def _review_token(self, token: str) -> User | None:
        key = hashlib.sha256(token.encode()).digest()
        known = self._tokens.get(key)
        if known is not None:
            return known if isinstance(known, User) else None
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        answer = await self._client.raw("POST", "/apis/authentication.k8s.io/v1/tokenreviews", body=msgspec.json.encode(body))
        status = msgspec.json.decode(answer).get("status") or {}
        user = None
        if status.get("authenticated"):
            found = status.get("user") or {}
            user = User(found.get("username", ""), tuple(found.get("groups") or ()), found.get("uid", ""), found.get("extra") or {})
        self._tokens.put(key, user or False, self._policy.token_s if user else self._policy.refused_s)
        return user

    async def _may_any(self, user: User, verb: str, parts: tuple[str, ...]) -> bool:
        for part in parts:
            if await self._may(user, verb, part):
                return True
        return False

    async def _may(self, user: User, verb: str, part: str) -> bool:
        if self._policy.always_allow or MASTERS in user.groups:
            return True
        key = (user.name, user.groups, verb, part)
        known = self._decisions.get(key)
        if known is not None:
            return bool(known)
        attributes = {"verb": verb, "version": "v1", "resource": "nodes", "subresource": part, "name": self._node_name}
        spec = {"user": user.name, "groups": list(user.groups), "uid": user.uid, "extra": user.extra, "resourceAttributes": attributes}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        answer = await self._client.raw("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=msgspec.json.encode(body))
        allowed = bool((msgspec.json.decode(answer).get("status") or {}).get("allowed"))
        self._decisions.put(key, allowed, self._policy.allowed_s if allowed else self._policy.refused_s)
        return allowed


def parts_of(path: str) -> tuple[str, ...]:
    """The subresources of `nodes` that a path stands for, any of which will do: `proxy` for whatever has none of its own."""
    part = PARTS.get(path.strip("/").partition("/")[0])
    if part is None:
        return ("proxy",)
    return (part, "proxy") if part in ALSO_BY_PROXY else (part,)


def user_of_certificate(certificate: dict[str, Any]) -> User:
    """Common name and organizations of a verified client certificate, in the form that Python's ssl gives."""
    name, groups = "", []
    for relative in certificate.get("subject", ()):
        for key, value in relative:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
    return User(name, (*groups, "system:authenticated"))

"""The events of a request: one for each stage that its policy rule does not omit, as a JSON line for the backends.

Source: audit.k8s.io/v1 Event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from provisioner.kube.api.errors import StatusError, internal
from provisioner.kube.apiserver.audit import policy as policies
from provisioner.kube.apiserver.audit.policy import Decision, Policy
from provisioner.kube.apiserver.audit.truncation import Backend
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.replies import Reply
from provisioner.kube.apiserver.requests import Target

# What a body may have to be told of; a longer one is left out (guess: some of the biggest objects that etcd takes).
BODY_BYTES = 1_500_000
# Where the server leaves a request's body for the log.
BODY = "audited body"
LOGGED_HEADERS = ("X-Forwarded-For", "X-Real-Ip")


class _Metadata(msgspec.Struct, rename="camel"):
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None
    resource_version: str | None = None


class _Named(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


_named = msgspec.json.Decoder(_Named)


class Audit:
    """Where backends are `strict`, no request goes on that those could not be told of (mode blocking-strict)."""

    def __init__(
        self, policy: Policy, backends: Sequence[Backend], now: Callable[[], datetime], metrics: Metrics, strict: Collection[Backend] = ()
    ) -> None:
        self._policy, self._backends, self._now, self._metrics = policy, tuple(backends), now, metrics
        self._strict = tuple(strict)

    def begin(self, request: web.BaseRequest, target: Target, user: User | None, audit_id: str) -> Record | None:
        """The record of a request, with its first stage told; None for one that the policy does not log. Raises 500."""
        decision = policies.decide(self._policy, user, target)
        self._metrics.audit_level(policies.LEVELS[decision.level])
        if decision.level == policies.NONE:
            return None
        record = Record(self, decision, request, target, user, audit_id)
        if not record.tell("RequestReceived"):
            raise internal("failed to store audit event")
        return record

    def stamp(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def emit(self, event: dict[str, Any], sending: list[tuple[asyncio.Future[bool], bool]]) -> bool:
        """False where a strict backend has not stored it. What is on its way, and whether that is strict about it, joins `sending`."""
        line = msgspec.json.encode(event) + b"\n"
        stored = True
        for backend in self._backends:
            found, strict = backend.write(line), backend in self._strict
            if isinstance(found, asyncio.Future):
                sending.append((found, strict))
            elif strict and not found:
                stored = False
        self._metrics.audit_event()
        return stored

    async def close(self) -> None:
        for backend in self._backends:
            await backend.close()


class Record:
    """One request on its way. `annotations` take what authorization and admission have to say."""

    def __init__(
        self, audit: Audit, decision: Decision, request: web.BaseRequest, target: Target, user: User | None, audit_id: str
    ) -> None:
        self._audit, self._decision, self._request, self._target = audit, decision, request, target
        self.annotations: dict[str, str] = {}
        self._sending: list[tuple[asyncio.Future[bool], bool]] = []
        self._event: dict[str, Any] = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": policies.LEVELS[decision.level],
            "auditID": audit_id,
            "stage": "",
            "requestURI": request.path_qs,
            "verb": target.verb,
            "user": _user(user) if user is not None else {},
            "sourceIPs": _sources(request),
            "userAgent": request.headers.get("User-Agent", ""),
        }
        if target.is_resource:
            self._event["objectRef"] = _reference(target)
        self._event["requestReceivedTimestamp"] = audit.stamp()

    @property
    def wants_body(self) -> bool:
        """Of what is made or replaced the body has the name, whatever else of it may be told."""
        return self._decision.level >= policies.REQUEST or self._target.verb in ("create", "update")

    def impersonated(self, user: User, constraint: str) -> None:
        """`constraint` is the verb of constrained impersonation that allowed it, "" where it was allowed without."""
        self._event["impersonatedUser"] = _user(user)
        if constraint:
            self._event["authenticationMetadata"] = {"impersonationConstraint": constraint}

    def tell(self, stage: str, status: dict[str, Any] | None = None) -> bool:
        """Whether strict backends have stored it, as far as that is known."""
        if stage in self._decision.omitted:
            return True
        self._event["stage"] = stage
        self._event["stageTimestamp"] = self._audit.stamp()
        if status is not None:
            self._event["responseStatus"] = {"metadata": {}, **status}
        if self.annotations:
            self._event["annotations"] = self.annotations
        return self._audit.emit(self._event, self._sending)

    async def sent(self) -> bool:
        """Waits for what a request has to wait for; False where a strict backend did not take it."""
        sending, self._sending = self._sending, []
        return all([await future or not strict for future, strict in sending])

    def started(self, code: int) -> None:
        """A watch or a stream has begun to answer."""
        self.tell("ResponseStarted", {"code": code})

    def complete(self, code: int, response: web.StreamResponse | None, error: StatusError | None) -> None:
        body = self._request.get(BODY)
        self._refer(body)
        if self._decision.level >= policies.REQUEST:
            self._put("requestObject", body)
        if self._decision.level >= policies.RESPONSE:
            if error is not None:
                self._event["responseObject"] = error.to_status()
            elif isinstance(response, web.Response) and "json" in response.content_type:
                if isinstance(response, Reply) and response.size <= BODY_BYTES:
                    response.joined()
                self._put("responseObject", response.body)
        status: dict[str, Any] = {"code": code}
        if error is not None:
            status = {key: value for key, value in error.to_status().items() if key not in ("kind", "apiVersion", "metadata")}
        self.tell("ResponseComplete", status)

    def panicked(self, message: str) -> None:
        self.tell("Panic", {"status": "Failure", "reason": "InternalError", "message": message, "code": 500})

    def _refer(self, body: Any) -> None:
        """What the object that came says of itself joins the reference, where the request's path doesn't say it."""
        if not body or "objectRef" not in self._event:
            return
        try:
            found = _named.decode(body).metadata
        except msgspec.DecodeError:
            return
        told = {"namespace": found.namespace, "name": found.name, "uid": found.uid, "resourceVersion": found.resource_version}
        self._event["objectRef"] = {key: value for key, value in told.items() if value} | self._event["objectRef"]

    def _put(self, field: str, body: Any) -> None:
        """A body of JSON, as it is; YAML and other forms are left out, as is what is too long."""
        if not isinstance(body, bytes) or not body or len(body) > BODY_BYTES:
            return
        try:
            document = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return
        if self._decision.omit_managed_fields and isinstance(document, dict):
            for each in (document, *(document.get("items") or ())):
                if isinstance(each, dict) and isinstance(each.get("metadata"), dict):
                    each["metadata"].pop("managedFields", None)
        self._event[field] = document


def _user(user: User) -> dict[str, Any]:
    found: dict[str, Any] = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        found["uid"] = user.uid
    if user.extra:
        found["extra"] = {key: list(values) for key, values in user.extra.items()}
    return found


def _sources(request: web.BaseRequest) -> list[str]:
    """The client as proxies in between tell it, then whoever is connected to us."""
    found = [part.strip() for name in LOGGED_HEADERS for part in request.headers.get(name, "").split(",") if part.strip()]
    if request.remote and request.remote not in found:
        found.append(request.remote)
    return found


def _reference(target: Target) -> dict[str, str]:
    parts = {
        "resource": target.resource,
        "namespace": target.namespace,
        "name": target.name,
        "apiGroup": target.group,
        "apiVersion": target.version,
        "subresource": target.subresource,
    }
    return {key: value for key, value in parts.items() if value}

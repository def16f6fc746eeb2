"""A request's way through the server: authenticate, read the target, authorize, answer; every error becomes a Status."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver import negotiation
from provisioner.kube.apiserver.authn import Authenticator, impersonated
from provisioner.kube.apiserver.authz import Authorizer
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.replies import Reply
from provisioner.kube.apiserver.requests import Target, dry_run, target_of
from provisioner.kube.storage.cache import NotFresh
from provisioner.kube.storage.etcd import EtcdError

log = logging.getLogger(__name__)

# Upstream's --max-requests-inflight and --max-mutating-requests-inflight.
IN_FLIGHT = {"read": 400, "write": 200}
LONG_SUBRESOURCES = frozenset({"log", "exec", "attach", "portforward", "proxy"})
JSON_HEADERS = {"Content-Type": negotiation.JSON}

Answer = Awaitable[web.StreamResponse]
Resources = Callable[[web.Request, Call], Answer]
Documents = Callable[[web.Request, Call], Answer]


@dataclass(frozen=True, slots=True)
class Gate:
    """Who comes in."""

    authenticator: Authenticator
    authorizer: Authorizer


class App:
    """`resources` answers requests for resources, `documents` all others (discovery, health, OpenAPI)."""

    def __init__(self, gate: Gate, resources: Resources, documents: Documents, metrics: Metrics) -> None:
        self._gate, self._resources, self._documents, self._metrics = gate, resources, documents, metrics
        self._in_flight = {"read": 0, "write": 0}
        self.limits = dict(IN_FLIGHT)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.Request) or request is not None
        started = asyncio.get_running_loop().time()
        target = Target(request.method.lower(), request.path)
        headers = {"Audit-Id": request.headers.get("Audit-Id") or _new_id()}
        code = 500
        try:
            target = target_of(request.method, request.path, request.query)
            response = await self._admitted(request, target, headers)  # type: ignore[arg-type]
            code = response.status
            return response
        except StatusError as error:
            code = error.code
            return _refused(request, error, headers)
        except NotFresh as error:
            code = 504
            return _refused(request, errors.timeout(str(error), 1), headers)
        except EtcdError as error:
            code = 503
            return _refused(request, errors.unavailable(str(error)), headers)
        except (asyncio.CancelledError, ConnectionResetError):
            code = 499
            raise
        except Exception as error:
            log.exception("request crashed method=%s path=%s", request.method, request.path)
            return _refused(request, errors.internal(f"{type(error).__name__}: {error}"), headers)
        finally:
            self._metrics.request(target, code, asyncio.get_running_loop().time() - started)

    async def _admitted(self, request: web.Request, target: Target, headers: dict[str, str]) -> web.StreamResponse:
        transport = request.transport
        peer = transport.get_extra_info("peercert") if transport is not None else None
        user = self._gate.authenticator.authenticate(peer, lambda: _der(transport), request.headers)
        user = self._impersonated(user, request)
        if not self._gate.authorizer.allows(user, target):
            detail = Authorizer.refusal(user, target)
            raise errors.forbidden(target.resource, target.name, detail, target.group)
        call = Call(user, target, request.query, dry_run(request.query), _manager(request), audit_id=headers["Audit-Id"])
        lane = (
            None
            if target.verb == "watch" or target.subresource in LONG_SUBRESOURCES
            else "read"
            if target.verb in ("get", "list")
            else "write"
        )
        if lane is not None and self._in_flight[lane] >= self.limits[lane] and "system:masters" not in user.groups:
            raise errors.too_many_requests("Too many requests, please try again later.")
        if lane is not None:
            self._in_flight[lane] += 1
        try:
            answer = self._resources if target.is_resource else self._documents
            response = await answer(request, call)
        finally:
            if lane is not None:
                self._in_flight[lane] -= 1
        if not response.prepared:
            response.headers.update(headers)
            for warning in call.warnings:
                text = warning.replace("\\", "\\\\").replace('"', '\\"')
                response.headers.add("Warning", f'299 - "{text}"')
        return response

    def _impersonated(self, user: User, request: web.Request) -> User:
        wanted = impersonated(request.headers)
        if wanted is None:
            return user
        asked = [replace(_IMPERSONATE, resource="users", name=wanted.name)]
        if wanted.name.startswith("system:serviceaccount:"):
            _, _, namespace, name = wanted.name.split(":", 3)
            asked = [replace(_IMPERSONATE, resource="serviceaccounts", namespace=namespace, name=name)]
        asked += [replace(_IMPERSONATE, resource="groups", name=g) for g in request.headers.getall("Impersonate-Group", [])]
        for target in asked:
            if not self._gate.authorizer.allows(user, target):
                raise errors.forbidden(target.resource, target.name, Authorizer.refusal(user, target))
        return wanted


_IMPERSONATE = Target("impersonate", "")


def _new_id() -> str:
    """A random UUID (RFC 9562, version 4), without the cost of the uuid module's objects."""
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _der(transport: asyncio.Transport | None) -> bytes:
    """The client's certificate."""
    found: bytes | None = transport.get_extra_info("ssl_object").getpeercert(True) if transport is not None else None
    return found or b""


def _manager(request: web.Request) -> str:
    """Who manages the fields that are written: as told, or the program's name."""
    return request.query.get("fieldManager") or request.headers.get("User-Agent", "unknown").partition("/")[0][:128]


def _refused(request: web.BaseRequest, error: StatusError, headers: dict[str, str]) -> web.Response:
    extra = dict(headers)
    if error.retry_after_s:
        extra["Retry-After"] = str(error.retry_after_s)
    body = msgspec.json.encode(error.to_status())
    return Reply(status=error.code, body=body, headers={**JSON_HEADERS, **extra})


def json_response(document: Any, status: int = 200) -> web.Response:
    """An answer in JSON; bytes are JSON already."""
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return Reply(status=status, body=body, headers=JSON_HEADERS)

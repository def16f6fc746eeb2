"""A request's way through the server: authenticate, audit, impersonate, authorize, find a seat, answer; every error becomes a Status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec
from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import random_uuid
from provisioner.kube.apiserver import negotiation, pretty
from provisioner.kube.apiserver.audit import events
from provisioner.kube.apiserver.audit.events import Audit, Record
from provisioner.kube.apiserver.authentication import impersonation
from provisioner.kube.apiserver.authentication.authn import Authenticator, bearer_token
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.browsers import Browsers
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.replies import KNOWN, Reply
from provisioner.kube.apiserver.requests import Target, check_timeout, dry_run, target_of
from provisioner.kube.apiserver.writes import is_apply
from provisioner.kube.storage.cache import NotFresh
from provisioner.kube.storage.etcd import EtcdError

log = logging.getLogger(__name__)

LONG_SUBRESOURCES = frozenset({"log", "exec", "attach", "portforward", "proxy"})
JSON_HEADERS = {"Content-Type": negotiation.JSON}
PLAIN_HEADERS = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
# What ends a request that nothing is wrong with the server for.
FORESEEN = (StatusError, NotFresh, EtcdError)
UNCACHED = {"Cache-Control": "no-cache, private"}

Answer = Awaitable[web.StreamResponse]
Resources = Callable[[web.Request, Call], Answer]
Documents = Callable[[web.Request, Call], Answer]


@dataclass(frozen=True, slots=True)
class Gate:
    """Who comes in."""

    authenticator: Authenticator
    authorizer: Authorizer


class Seat(NamedTuple):
    """`leave` gives it back; `headers` go to the client."""

    leave: Callable[[], None]
    headers: Mapping[str, str]


class Seats(Protocol):
    """Who is served now, and who waits."""

    def enter(self, user: User, target: Target, query: Mapping[str, str]) -> Seat | None:
        """A seat, if there is one at once."""

    async def take(self, user: User, target: Target, query: Mapping[str, str]) -> Seat:
        """As `enter`, waiting for one. Raises 429."""

    def headers(self, user: User, target: Target) -> Mapping[str, str]:
        """What a client is told who gets no seat because of something else."""


class Forward(Protocol):
    """Requests for API groups that other servers serve."""

    def takes(self, target: Target) -> bool: ...
    async def answer(self, request: web.Request, call: Call) -> web.StreamResponse: ...


@dataclass(slots=True)
class _Progress:
    """What is known of a request so far."""

    target: Target
    headers: dict[str, str]
    record: Record | None = None


class App:
    """`resources` answers requests for resources, `documents` all others (discovery, health, OpenAPI), `forward` what is elsewhere."""

    def __init__(
        self,
        gate: Gate,
        resources: Resources,
        documents: Documents,
        metrics: Metrics,
        seats: Seats,
        forward: Forward,
        audit: Audit | None,
        browsers: Browsers,
    ) -> None:
        self._gate, self._resources, self._documents, self._metrics = gate, resources, documents, metrics
        self._seats, self._forward, self._audit, self._browsers = seats, forward, audit, browsers

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        started = asyncio.get_running_loop().time()
        known = {"Audit-Id": request.headers.get("Audit-Id") or random_uuid(), **self._browsers.headers(request.headers)}
        progress = _Progress(Target(request.method.lower(), request.path), known)
        request[KNOWN] = known
        if self._browsers.is_preflight(request.method, known):
            return Reply(status=204, body=b"", headers=known)
        code, size, lane = 500, 0, ""
        try:
            progress.target = target_of(request.method, request.path, request.query)
            lane = self._metrics.began(progress.target)
            if progress.target.verb != "watch" and progress.target.subresource not in LONG_SUBRESOURCES:
                check_timeout(request.query)
            response = await self._admitted(request, progress)  # type: ignore[arg-type]
            code, size = response.status, response.size if isinstance(response, Reply) else 0
            if progress.record is not None:
                progress.record.complete(code, response, None)
            return response
        except FORESEEN as error:
            refusal = refusal_of(error)
            code = refusal.code
            return _refused(request, refusal, progress)
        except asyncio.CancelledError:
            code = 499
            if progress.record is not None:
                progress.record.complete(code, None, None)
            raise
        except ConnectionResetError:
            # Nobody is there to answer: the HTTP library finds that out by itself, and says nothing.
            code = 499
            if progress.record is not None:
                progress.record.complete(code, None, None)
            return Reply(status=code, body=b"")
        except Exception as error:
            log.exception("request crashed method=%s path=%s", request.method, request.path)
            if progress.record is not None:
                progress.record.panicked(f"{type(error).__name__}: {error}")
            return _refused(request, crashed(error), progress)
        finally:
            if progress.record is not None:
                await progress.record.sent()
            self._metrics.ended(lane)
            seconds, applies = asyncio.get_running_loop().time() - started, is_apply(request.headers.get("Content-Type"))
            dry = "dryRun" in request.query
            self._metrics.request(progress.target, code, seconds, size=size, dry_run=dry, applies=applies)

    async def _admitted(self, request: web.Request, progress: _Progress) -> web.StreamResponse:
        target = progress.target
        user = await self._authenticated(request, progress)
        if self._audit is not None:
            progress.record = self._audit.begin(request, target, user, progress.headers["Audit-Id"])
            if progress.record is not None and not await progress.record.sent():
                raise errors.internal("failed to store audit event")
        wanted = impersonation.impersonated(request.headers)
        if wanted is not None:
            user, constraint = await impersonation.admit(self._gate.authorizer, user, wanted, target)
            if progress.record is not None:
                progress.record.impersonated(user, constraint)
        await self._authorized(user, progress)
        manager = manager_of(request.query, request.headers)
        call = Call(user, target, request.query, dry_run(request.query, target.verb), manager, audit_id=progress.headers["Audit-Id"])
        if progress.record is not None:
            call.annotations = progress.record.annotations
            if progress.record.wants_body:
                request[events.BODY] = b""
        if target.subresource in LONG_SUBRESOURCES:
            if progress.record is not None:
                progress.record.started(200)
            with self._metrics.long_running(target):
                return await self._answered(request, call, progress)
        seat = await self._seats.take(user, target, call.query)
        progress.headers.update(seat.headers)
        if target.verb != "watch":
            try:
                return await self._answered(request, call, progress)
            finally:
                seat.leave()
        return await self._watched(request, call, progress, seat)

    async def _watched(self, request: web.Request, call: Call, progress: _Progress, seat: Seat) -> web.StreamResponse:
        """A watch has its seat only until it begins to answer."""
        seated = True

        def begun() -> None:
            nonlocal seated
            seated = False
            seat.leave()
            if progress.record is not None:
                progress.record.started(200)

        call.begun = begun
        try:
            return await self._answered(request, call, progress)
        finally:
            if seated:
                seat.leave()

    async def _answered(self, request: web.Request, call: Call, progress: _Progress) -> web.StreamResponse:
        target = call.target
        if self._forward.takes(target):
            response = await self._forward.answer(request, call)
        else:
            response = await (self._resources if target.resource else self._documents)(request, call)
        if not response.prepared:
            if pretty.wanted(request):
                response = pretty.indented(response)
            response.headers.update(progress.headers)
            response.headers.setdefault("Cache-Control", UNCACHED["Cache-Control"])
            for warning in call.warnings:
                response.headers.add("Warning", warning_header(warning))
        return response

    async def _authenticated(self, request: web.Request, progress: _Progress) -> User:
        transport = request.transport
        peer = transport.get_extra_info("peercert") if transport is not None else None
        try:
            user = self._gate.authenticator.authenticate(peer, lambda: _der(transport), request.headers, request.path)
            if user is None:
                user = await self._gate.authenticator.look_up(bearer_token(request.headers))
            return user
        except StatusError:
            if self._audit is not None:
                progress.record = self._audit.begin(request, progress.target, None, progress.headers["Audit-Id"])
            raise

    async def _authorized(self, user: User, progress: _Progress) -> None:
        target = progress.target
        verdict = self._gate.authorizer.decide(user, target)
        if verdict is None:
            verdict = await self._gate.authorizer.judge(user, target)
        if progress.record is not None:
            progress.record.annotations["authorization.k8s.io/decision"] = "allow" if verdict.allowed else "forbid"
            progress.record.annotations["authorization.k8s.io/reason"] = verdict.reason
        if not verdict.allowed:
            progress.headers.update(self._seats.headers(user, target))
            detail = Authorizer.refusal(user, target, verdict.reason)
            raise errors.forbidden(target.resource, target.name, detail, target.group)


def _der(transport: asyncio.Transport | None) -> bytes:
    """The client's certificate."""
    found: bytes | None = transport.get_extra_info("ssl_object").getpeercert(True) if transport is not None else None
    return found or b""


def manager_of(query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Who manages the fields that are written: as told, or the program's name."""
    return query.get("fieldManager") or headers.get("User-Agent", "unknown").partition("/")[0][:128]


def refusal_of(error: Exception) -> StatusError:
    """What a client is told of one of the FORESEEN errors."""
    if isinstance(error, NotFresh):
        return errors.timeout(str(error), 1)
    return error if isinstance(error, StatusError) else errors.unavailable(str(error))


def crashed(error: Exception) -> StatusError:
    """What a client is told of any other."""
    return errors.internal(f"{type(error).__name__}: {error}")


def warning_header(text: str) -> str:
    """RFC 7234."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{quoted}"'


def _refused(request: web.BaseRequest, error: StatusError, progress: _Progress) -> web.StreamResponse:
    if progress.record is not None:
        progress.record.complete(error.code, None, error)
    headers = refusal_headers(error, progress.headers)
    if isinstance(error, errors.PageNotFound):
        return Reply(status=404, body=f"{error.message}\n".encode(), headers=headers | PLAIN_HEADERS)
    body = msgspec.json.encode(error.to_status())
    if negotiation.prefers_yaml(request.headers.get("Accept")):
        return Reply(status=error.code, body=negotiation.to_yaml(body), headers=headers | {"Content-Type": negotiation.YAML})
    response = Reply(status=error.code, body=body, headers=headers)
    return pretty.indented(response) if pretty.wanted(request) else response


def refusal_headers(error: StatusError, known: Mapping[str, str]) -> dict[str, str]:
    retry = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    return {**JSON_HEADERS, **UNCACHED, **known, **retry}


def json_response(document: Any, status: int = 200) -> web.Response:
    """An answer in JSON; bytes are JSON already."""
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return Reply(status=status, body=body, headers=JSON_HEADERS)

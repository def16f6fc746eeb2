"""Certificate signing requests: nodes' own are approved after an access review, approved ones signed, old ones removed.

Source: certificates.k8s.io/v1 CertificateSigningRequest and its built-in signers.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from provisioner.kube.api._generated import authorization_v1, certificates_v1
from provisioner.kube.api.meta import condition, parse_time
from provisioner.kube.controllers.controller import Controller, Parts

Request = certificates_v1.CertificateSigningRequest
CLIENT = "kubernetes.io/kube-apiserver-client"
NODE_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
LEGACY = "kubernetes.io/legacy-unknown"
SIGNERS = (CLIENT, NODE_CLIENT, SERVING, LEGACY)
NODES = "system:nodes"
# How long requests are kept, as upstream: approved and denied ones an hour, others a day.
DECIDED_S = 3600.0
PENDING_S = 86400.0
SWEEP_S = 3600.0
PROCESS_S = 60.0

_CLIENT_USAGES = {"digital signature", "client auth"}
_SERVING_USAGES = {"digital signature", "server auth"}


class UnreadableRequest(Exception):
    """The request is no PKCS#10 request, or one that lies about its key."""


async def ask(**document: Any) -> dict[str, Any]:
    """One question to the certificate authority's process. Raises UnreadableRequest."""
    module = "provisioner.kube.controllers.certificate_authority"
    program = f"import sys; sys.path[:] = {sys.path!r}; from {module} import main; main()"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", program), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PROCESS_S):
            answer, _ = await process.communicate(msgspec.json.encode(document))
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        raise
    if process.returncode:
        raise UnreadableRequest(f"the signing process ended with {process.returncode}")
    decoded: dict[str, Any] = msgspec.json.decode(answer)
    if "error" in decoded:
        raise UnreadableRequest(decoded["error"])
    return decoded


def pem_of(request: Request) -> str:
    return base64.b64decode(request.spec.request or "").decode(errors="replace")


def is_node_client(request: Request, content: dict[str, Any]) -> str | None:
    """Why the request is no node's client certificate; None where it is one."""
    usages = set(request.spec.usages or ())
    if content["organizations"] != [NODES]:
        return "subject organization is not system:nodes"
    if any(content[kind] for kind in ("dns", "ips", "emails", "uris")):
        return "DNS, IP, email and URI subject alternative names are not allowed"
    if not content["common_name"].startswith("system:node:"):
        return "subject common name does not begin with system:node: "
    if not _CLIENT_USAGES <= usages <= _CLIENT_USAGES | {"key encipherment"}:
        return "usages did not match [client auth digital signature]"
    return None


def is_node_serving(request: Request, content: dict[str, Any]) -> str | None:
    """Why the request is no node's serving certificate; None where it is one."""
    usages = set(request.spec.usages or ())
    if content["organizations"] != [NODES]:
        return "subject organization is not system:nodes"
    if not content["dns"] and not content["ips"]:
        return "DNS or IP subjectAltName is required"
    if content["emails"] or content["uris"]:
        return "email and URI subject alternative names are not allowed"
    if not content["common_name"].startswith("system:node:") or content["common_name"] != request.spec.username:
        return "subject common name does not begin with system:node: "
    if not _SERVING_USAGES <= usages <= _SERVING_USAGES | {"key encipherment"}:
        return "usages did not match [server auth digital signature]"
    return None


def refusal(request: Request, content: dict[str, Any]) -> str | None:
    """Why the request's signer does not sign it."""
    if request.spec.signer_name == NODE_CLIENT:
        return is_node_client(request, content)
    if request.spec.signer_name == SERVING:
        return is_node_serving(request, content)
    allowed = {"digital signature", "key encipherment", "client auth"}
    if request.spec.signer_name == CLIENT and (
        "client auth" not in (request.spec.usages or ()) or not set(request.spec.usages or ()) <= allowed
    ):
        return "usages did not match [client auth digital signature key encipherment]"
    return None


def is_over(request: Request, now: datetime) -> bool:
    """Whether the request has been kept long enough."""
    for type_, limit_s in (("Approved", DECIDED_S), ("Denied", DECIDED_S), ("Failed", DECIDED_S)):
        found = condition(request.status.conditions, type_)
        since = parse_time(found.last_update_time) if found is not None else None
        if since is not None and (now - since).total_seconds() > limit_s:
            return True
    created = parse_time(request.metadata.creation_timestamp)
    return not request.status.conditions and created is not None and (now - created).total_seconds() > PENDING_S


def _decided(request: Request) -> bool:
    return any(c.type in ("Approved", "Denied") for c in request.status.conditions or ())


def condition_of(type_: str, reason: str, message: str, now: str) -> certificates_v1.CertificateSigningRequestCondition:
    return certificates_v1.CertificateSigningRequestCondition(
        type=type_, status="True", reason=reason, message=message, last_update_time=now, last_transition_time=now
    )


class _Requests(Controller):
    """Looks at each request, whenever it changes."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._requests = self.watch(Request)

    async def reconcile(self, key: str) -> float | None:
        request: Request | None = self._requests.store.get(key)
        return await self.look_at(request) if request is not None else None

    async def look_at(self, request: Request) -> float | None:
        raise LookupError(f"{self.name}: nothing to look at {request.metadata.name} with")

    async def _add(self, request: Request, type_: str, reason: str, message: str, subresource: str) -> None:
        """Put one more condition on a request."""
        conditions = [*(request.status.conditions or ()), condition_of(type_, reason, message, self.now())]
        status = msgspec.structs.replace(request.status, conditions=conditions)
        await self.client.update(msgspec.structs.replace(request, status=status), subresource=subresource)


class CertificateApprover(_Requests):
    """Approves what nodes ask for themselves: the first client certificate, and its renewals."""

    name = "certificate-approver"

    async def look_at(self, request: Request) -> float | None:
        if _decided(request) or request.status.certificate or request.spec.signer_name != NODE_CLIENT:
            return None
        try:
            content = await ask(command="request", pem=pem_of(request))
        except UnreadableRequest:
            return None
        if is_node_client(request, content) is not None:
            return None
        own = request.spec.username == content["common_name"]
        for subresource, text in (
            *([("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview.")] if own else []),
            ("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."),
        ):
            if await self._may(request, subresource):
                await self._add(request, "Approved", "AutoApproved", text, "approval")
                return None
        return None

    async def _may(self, request: Request, subresource: str) -> bool:
        review = authorization_v1.SubjectAccessReview(
            spec=authorization_v1.SubjectAccessReviewSpec(
                user=request.spec.username,
                uid=request.spec.uid,
                groups=request.spec.groups,
                extra=request.spec.extra,
                resource_attributes=authorization_v1.ResourceAttributes(
                    group="certificates.k8s.io", resource="certificatesigningrequests", verb="create", subresource=subresource
                ),
            )
        )
        return bool((await self.client.create(review)).status.allowed)


@dataclass(frozen=True)
class Authority:
    """A CA's files, read anew for each signature, so that a renewed CA counts at once."""

    certificate_file: str
    key_file: str


class CertificateSigner(_Requests):
    name = "certificate-signer"

    def __init__(self, parts: Parts, authorities: dict[str, Authority], duration_s: float) -> None:
        super().__init__(parts)
        self._authorities, self._duration_s = authorities, duration_s

    async def look_at(self, request: Request) -> float | None:
        authority = self._authorities.get(request.spec.signer_name or "")
        if authority is None or request.status.certificate:
            return None
        states = {c.type for c in request.status.conditions or ()}
        if "Approved" not in states or states & {"Denied", "Failed"}:
            return None
        pem = pem_of(request)
        try:
            problem = refusal(request, await ask(command="request", pem=pem))
        except UnreadableRequest as error:
            problem = str(error)
        if problem is not None:
            await self._add(request, "Failed", "SignerValidationFailure", problem, "status")
            return None
        asked_s = float(request.spec.expiration_seconds or self._duration_s)
        answer = await ask(
            command="sign",
            pem=pem,
            ca_certificate=Path(authority.certificate_file).read_text(),
            ca_key=Path(authority.key_file).read_text(),
            usages=request.spec.usages or [],
            seconds=min(asked_s, self._duration_s),
        )
        certificate = base64.b64encode(answer["certificate"].encode()).decode()
        await self.changed(request, {"status": {"certificate": certificate}}, status=True)
        return None


class CertificateCleaner(_Requests):
    """Removes requests that were decided, or that nobody cared for."""

    name = "certificate-cleaner"
    workers = 1

    async def look_at(self, request: Request) -> float | None:
        if not is_over(request, self.clock.now()) and not await self._expired(request):
            return SWEEP_S
        await self.remove(request)
        return None

    async def _expired(self, request: Request) -> bool:
        """Whether what was issued is no longer valid."""
        data = request.status.certificate
        if not data:
            return False
        created = parse_time(request.metadata.creation_timestamp)
        if created is None or (self.clock.now() - created).total_seconds() < PENDING_S / 144:
            # Nothing is issued for less than ten minutes.
            return False
        try:
            return bool((await ask(command="certificate", pem=base64.b64decode(data).decode()))["not_after"] < self.clock.now().timestamp())
        except UnreadableRequest:
            return False

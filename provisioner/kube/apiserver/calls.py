"""Calls to webhooks of the API's users (admission, conversion): where their WebhookClientConfig says, with its CA, within a time."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.errors import shown as quoted
from provisioner.kube.api.go_json import syntax_error

DEFAULT_TIMEOUT_S = 10

# (namespace, service, port) -> address to ask; raises StatusError
Resolve = Callable[[str, str, int], tuple[str, int]]


class CallError(Exception):
    """A webhook that could not be asked, or did not answer as one; in the words of upstream's client."""


class _Unexpected(Exception):
    """A status that is not 200."""


class Caller:
    """Keeps connections, by CA."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def post(self, config: Any, document: Any, *, timeout_s: float, limit_bytes: int, says_time: bool = False) -> dict[str, Any]:
        """The `response` of the review that answers `document`; `says_time`: the webhook is told how long it has. Raises CallError."""
        service = config.service
        query = f"?timeout={timeout_s:g}s" if says_time else ""
        shown = config.url or f"https://{service.name}.{service.namespace}.svc:{service.port or 443}/{(service.path or '').lstrip('/')}"
        # What has a query of its own keeps it.
        query = query.replace("?", "&") if "?" in shown else query
        try:
            answer = await self._asked(config, query, document, timeout_s, limit_bytes)
        except _Unexpected as error:
            raise CallError(str(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, StatusError) as error:
            raise CallError(f'Post "{shown}{query}": {cause(error)}') from error
        try:
            response = (msgspec.json.decode(answer) or {}).get("response")
        except (ValueError, AttributeError) as error:
            raise CallError(f"the answer is no {document['kind']}: {syntax_error(answer) or error}") from error
        if not isinstance(response, dict) or response.get("uid") != document["request"]["uid"]:
            raise CallError(f"the answer is no {document['kind']} for this request")
        return response

    async def _asked(self, config: Any, query: str, document: Any, timeout_s: float, limit_bytes: int) -> bytes:
        server_name: str | None = None
        if config.url:
            url = config.url
        else:
            service = config.service
            server_name = f"{service.name}.{service.namespace}.svc"
            host, port = self._resolve(service.namespace, service.name, service.port or 443)
            url = f"https://{host}:{port}/{(service.path or '').lstrip('/')}"
        async with self._session(config.ca_bundle or "").post(
            url + query,
            data=msgspec.json.encode(document),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            server_hostname=server_name,
            allow_redirects=False,
        ) as answer:
            body = await _limited(answer, limit_bytes)
            if answer.status == 404:
                raise _Unexpected("the server could not find the requested resource")
            if answer.status != 200:
                said = body[:200].decode(errors="replace")
                raise _Unexpected(f"an error on the server ({quoted(said)}) has prevented the request from succeeding")
        return body

    def _session(self, ca_bundle: str) -> aiohttp.ClientSession:
        if ca_bundle not in self._sessions:
            context = ssl.create_default_context(cadata=base64.b64decode(ca_bundle).decode() if ca_bundle else None)
            self._sessions[ca_bundle] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=64))
        return self._sessions[ca_bundle]

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()


async def _limited(answer: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > limit_bytes:
            raise ValueError(f"the answer has more than {limit_bytes} bytes")
    return bytes(body)


def cause(error: Exception, host: str = "", port: int | None = None) -> str:
    """Why somebody could not be reached, in the words of Go's network; who that was where the error does not say it."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"tls: failed to verify certificate: x509: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return cause(error.os_error, error.host, error.port)
    if isinstance(error, TimeoutError):
        return f"dial tcp {host}:{port}: i/o timeout" if host else "context deadline exceeded"
    if isinstance(error, ConnectionRefusedError) and host:
        return f"dial tcp {host}:{port}: connect: connection refused"
    return str(error) or type(error).__name__

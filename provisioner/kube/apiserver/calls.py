"""Calls to webhooks of the API's users (admission, conversion): where their WebhookClientConfig says, with its CA, within a time."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

DEFAULT_TIMEOUT_S = 10

# (namespace, service, port) -> address to ask; raises StatusError
Resolve = Callable[[str, str, int], tuple[str, int]]


class Caller:
    """Keeps connections, by CA."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def post(self, config: Any, document: Any, *, timeout_s: float, limit_bytes: int) -> dict[str, Any]:
        """The `response` of the review that answers `document`. Raises ClientError, TimeoutError, OSError, ValueError, StatusError."""
        server_name: str | None = None
        if config.url:
            url = config.url
        else:
            service = config.service
            server_name = f"{service.name}.{service.namespace}.svc"
            host, port = self._resolve(service.namespace, service.name, service.port or 443)
            url = f"https://{host}:{port}/{(service.path or '').lstrip('/')}"
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        async with self._session(config.ca_bundle or "").post(
            url,
            data=msgspec.json.encode(document),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            server_hostname=server_name,
            allow_redirects=False,
        ) as answer:
            body = await _limited(answer, limit_bytes)
            if answer.status != 200:
                raise ValueError(f"unexpected status {answer.status}: {body[:200].decode(errors='replace')}")
        response = (msgspec.json.decode(body) or {}).get("response")
        if not isinstance(response, dict) or response.get("uid") != document["request"]["uid"]:
            raise ValueError(f"the answer is no {document['kind']} for this request")
        return response

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

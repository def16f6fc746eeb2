"""Requests that are somebody else's to answer: logs, exec, attach, port-forward at the kubelet; proxy to pods, services and nodes.

An upgraded connection (SPDY/3.1, WebSocket) is passed through byte for byte: client and kubelet speak with each other, we only stand
between. Everything else is an ordinary request, streamed both ways.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from provisioner.kube.api import errors
from provisioner.kube.apiserver.authentication.authn import WEBSOCKET_TOKEN
from provisioner.kube.apiserver.calls import cause
from provisioner.kube.apiserver.subresources.proxied_pages import PAGE_BYTES, Place, rewritten
from provisioner.kube.apiserver.web_sockets import send_bytes, wants_socket
from provisioner.kube.client.tasks import spawn, stop

log = logging.getLogger(__name__)

CONNECT_S = 10.0
CHUNK = 64 * 1024
# Upstream's bound of what an error's words may take.
ERROR_BYTES = 50_000
# Headers that belong to one connection (RFC 9110, 7.6.1), or that we set ourselves.
HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "authorization",
    }
)


@dataclass(frozen=True, slots=True)
class KubeletAccess:
    """--kubelet-client-certificate, --kubelet-client-key, --kubelet-certificate-authority."""

    cert_file: str = ""
    key_file: str = ""
    ca_file: str = ""

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if not self.ca_file:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.cert_file and Path(self.cert_file).exists():
            context.load_cert_chain(self.cert_file, self.key_file or None)
        return context


@dataclass(frozen=True, slots=True)
class Upstream:
    """Whom to ask: `server_name` is what its certificate must say, None for plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


class Forwarder:
    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def forward(
        self,
        request: web.Request,
        upstream: Upstream,
        path: str,
        identity: Sequence[tuple[str, str]] = (),
        place: Place | None = None,
        *,
        own_errors: bool = False,
    ) -> web.StreamResponse:
        """Answer with what `upstream` answers for `path` (query included). `identity` are headers that say whom we speak for: what
        the client itself sent of that kind is left out. With `place`, links of pages are made to lead there. With `own_errors` the answer is a
        stream that is only read, also over WebSocket, and what is no success becomes a Status with the answer's words: StatusError."""
        if request.headers.get("Upgrade") and not own_errors:
            return await self._upgraded(request, upstream, path, identity)
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=512))
        ours = {key.lower() for key, _ in identity} | HOP
        headers = [(key, value) for key, value in request.headers.items() if key.lower() not in ours and not _is_our_own(key)]
        headers += identity
        body = request.content if request.can_read_body else None
        try:
            async with self._session.request(
                request.method,
                upstream.origin + path,
                headers=headers,
                data=body,
                ssl=upstream.tls if upstream.tls is not None else True,
                server_hostname=upstream.server_name,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
                allow_redirects=False,
            ) as answer:
                if own_errors and not 200 <= answer.status <= 206:
                    raise _status_of(answer.status, (await answer.content.read(ERROR_BYTES)).decode(errors="replace").strip())
                if own_errors and wants_socket(request):
                    return await send_bytes(request, answer.content.iter_any())
                response = web.StreamResponse(status=answer.status, reason=answer.reason)
                for key, value in answer.headers.items():
                    if key.lower() not in HOP and key.lower() != "content-length":
                        response.headers.add(key, value)
                first = await _with_links(answer, response, place) if place is not None and request.method != "HEAD" else b""
                await response.prepare(request)
                if first:
                    await response.write(first)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if own_errors:
                raise errors.StatusError(500, "", f'{request.method.title()} "{upstream.origin}{path}": {cause(error)}') from error
            raise errors.unavailable(f"error trying to reach service: {cause(error)}") from error

    async def _upgraded(
        self, request: web.Request, upstream: Upstream, path: str, identity: Sequence[tuple[str, str]]
    ) -> web.StreamResponse:
        if not path.isascii() or any(c <= " " for c in path):
            # A path that was decoded on its way here would be a request of its own to who is behind.
            raise errors.bad_request(f"the path of an upgraded request must be encoded: {path!r}")
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    upstream.host, upstream.port, ssl=upstream.tls, server_hostname=upstream.server_name
                )
        except (OSError, TimeoutError) as error:
            raise errors.StatusError(500, "", f"error dialing backend: {cause(error, upstream.host, upstream.port)}") from error
        ours = {key.lower() for key, _ in identity} | {"host", "authorization"}
        lines = [f"{request.method} {path} HTTP/1.1"]
        if not any(key == "Host" for key, _ in identity):
            lines.append(f"Host: {upstream.host}:{upstream.port}")
        for key, value in request.headers.items():
            if key.lower() == "sec-websocket-protocol":
                # A browser's bearer token is for us alone.
                value = ", ".join(p.strip() for p in value.split(",") if not p.strip().startswith(WEBSOCKET_TOKEN))
            if value and key.lower() not in ours and not _is_identity(key):
                lines.append(f"{key}: {value}")
        lines += [f"{key}: {value}" for key, value in identity]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        return await splice(request, reader, writer)


def _status_of(code: int, text: str) -> errors.StatusError:
    if code == 400:
        return errors.bad_request(text)
    if code == 500:
        return errors.internal(text)
    reasons = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 422: "Invalid", 503: "ServiceUnavailable"}
    return errors.StatusError(code, reasons.get(code, "Unknown"), text)


async def _with_links(answer: aiohttp.ClientResponse, response: web.StreamResponse, place: Place) -> bytes:
    """A redirect's or a page's links lead where the page is seen. Answers what was read of the body already, its links changed."""
    if location := answer.headers.get("Location"):
        response.headers["Location"] = place.link(location)
        return b""
    if answer.content_type != "text/html":
        return b""
    page = bytearray()
    while len(page) <= PAGE_BYTES and (chunk := await answer.content.readany()):
        page += chunk
    changed = rewritten(bytes(page), answer.headers.get("Content-Encoding", ""), place.link) if len(page) <= PAGE_BYTES else None
    if changed is None:
        return bytes(page)
    response.headers.popall("Content-Encoding", None)
    return changed


def _is_our_own(header: str) -> bool:
    """Of the connection with us, or of who is behind it."""
    return _is_identity(header) or header.lower().startswith("sec-websocket-")


def _is_identity(header: str) -> bool:
    return header.lower().startswith(("x-remote-", "impersonate-"))


async def splice(request: web.Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> web.StreamResponse:
    """Join the client's connection with one to a backend until either side ends; our HTTP server lets go of the client's."""
    transport = request.transport
    protocol = request.protocol
    assert transport is not None
    gone = asyncio.Event()
    tunnel = _Tunnel(writer, gone)
    # What the client may have sent behind its request already.
    early = bytes(getattr(protocol, "_tail", b"") or b"")
    transport.set_protocol(tunnel)
    if early:
        writer.write(early)
    back = spawn("tunnel", _pump(reader, transport, tunnel))
    ended = spawn("tunnel end", _wait(gone))
    try:
        await asyncio.wait({back, ended}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await stop(back, ended)
        writer.close()
        transport.close()
    return _Taken()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def _pump(reader: asyncio.StreamReader, transport: asyncio.Transport, tunnel: _Tunnel) -> None:
    while chunk := await reader.read(CHUNK):
        transport.write(chunk)
        await tunnel.writable.wait()


class _Tunnel(asyncio.Protocol):
    """The client's side of a tunnel: what comes is written to the backend, and reading pauses while the backend is slow."""

    def __init__(self, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        self._writer, self._gone = writer, gone
        self.writable = asyncio.Event()
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        self._writer.write(data)

    def eof_received(self) -> None:
        """TLS can't be half closed: the client's connection ends by itself."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


class _Taken(web.StreamResponse):
    """What our HTTP server gets to see of a request whose connection is a tunnel: an answer that is already sent."""

    async def prepare(self, request: web.BaseRequest) -> None:
        self._eof_sent = True

    async def write_eof(self, data: bytes = b"") -> None:
        return

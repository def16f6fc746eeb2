"""The typed client: one API server, one connection pool, msgspec Structs in and out.

Every call has a deadline. Reads, and writes that the server says it did not take (429, 503 with Retry-After, refused connections),
are tried again with backoff and jitter; a write whose fate is unknown is not. Errors are `StatusError`, or `ConnectionFailed`
when no answer came. Nothing is cached here: that is the informer's job.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import aiohttp
import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api._generated.resources import Resource, resource_of
from provisioner.kube.api._generated.scalars import Object
from provisioner.kube.client import series
from provisioner.kube.client.kubeconfig import ClusterAccess, in_cluster, load_kubeconfig
from provisioner.kube.client.series import Histogram, Sample
from provisioner.kube.version import user_agent as with_version

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Object)

# client-go's default for a request without its own deadline is none; ours is the API server's own bound.
REQUEST_TIMEOUT_S = 60.0
# Five tries of 0.1, 0.2, 0.4, 0.8 s: long enough for an API server's restart behind a load balancer.
ATTEMPTS = 5
FIRST_BACKOFF_S = 0.1
# The server ends a watch after 5 to 10 minutes; silence of longer than this with bookmarks on means a dead connection.
WATCH_TIMEOUT_S = 300
WATCH_LINE_BYTES = 8 * 1024 * 1024
# Upstream's buckets of rest_client_request_duration_seconds.
LATENCIES_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)

PATCH_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class ConnectionFailed(Exception):
    """No answer: the server could not be reached, or left in the middle. Retryable; for a write, its fate is unknown."""


@dataclass(frozen=True, slots=True)
class ListResult(Generic[K]):
    """Objects and the resourceVersion to watch from. `continue_` is set where `limit` cut the list."""

    items: list[K]
    resource_version: str
    continue_: str | None = None


@dataclass(frozen=True, slots=True)
class WatchEvent(Generic[K]):
    """ADDED, MODIFIED, DELETED or BOOKMARK. A bookmark's object carries only its resourceVersion."""

    type: str
    object: K


class _RawEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _RawList(msgspec.Struct):
    metadata: dict[str, Any] = {}
    items: msgspec.Raw = msgspec.Raw(b"[]")


class _Answers:
    """What all of the process' clients were answered; watches and other streams are not among them."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._took_s = Histogram("rest_client_request_duration_seconds", LATENCIES_S)
        series.tell(self)

    def count(self, host: str, method: str, status: int, took_s: float) -> None:
        self._counts[str(status), host, method] += 1
        self._took_s.observe(took_s, host=host, verb=method)

    def samples(self) -> Iterable[Sample]:
        for (code, host, method), count in self._counts.items():
            yield Sample("counter", "rest_client_requests_total", {"code": code, "host": host, "method": method}, count)
        yield from self._took_s.samples()


_answers = _Answers()


def _options(**values: Any) -> dict[str, str]:
    """Query parameters without those that are None."""
    return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in values.items() if v is not None}


class Client:
    """Safe to share in one event loop. `user_agent` is the daemon's name; it becomes the field manager of patches and updates."""

    def __init__(self, access: ClusterAccess, *, user_agent: str = "provision", max_connections: int = 32) -> None:
        self.access = access
        self.user_agent = user_agent
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None
        self._token: tuple[float, str] | None = None
        self._host = access.server.partition("://")[2]

    @classmethod
    def from_kubeconfig(cls, path: Path | str | None, **kwargs: Any) -> Client:
        """From a kubeconfig file, or from the pod's service account where `path` is None. Raises ConfigError."""
        return cls(load_kubeconfig(Path(path)) if path else in_cluster(), **kwargs)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connection pool, made at first use so that a Client can be built outside a running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._max_connections, ssl=self.access.ssl_context() or False, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(
                connector=connector, headers={"User-Agent": with_version(self.user_agent)}, read_bufsize=256 * 1024, auto_decompress=True
            )
        return self._session

    def _authorization(self) -> dict[str, str]:
        token = self.access.token
        if self.access.token_file is not None:
            changed = self.access.token_file.stat().st_mtime
            if self._token is None or self._token[0] != changed:
                self._token = (changed, self.access.token_file.read_text().strip())
            token = self._token[1]
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def raw(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> bytes:
        """One request; the body of a success. Raises StatusError or ConnectionFailed."""
        headers = {"Accept": accept, **self._authorization()}
        if body is not None:
            headers["Content-Type"] = content_type
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            wait_s = FIRST_BACKOFF_S * 2**attempt * random.uniform(0.5, 1.5)
            try:
                return await self._once(method, path, params, body, headers, timeout_s)
            except errors.StatusError as error:
                if last or error.code not in (429, 503) or (error.code == 503 and method != "GET" and not error.retry_after_s):
                    raise
                wait_s = max(wait_s, float(error.retry_after_s or 0))
            except aiohttp.ClientConnectorError as error:
                if last:
                    raise ConnectionFailed(f"{method} {self.access.server}{path}: {error}") from error
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if last or method != "GET":
                    raise ConnectionFailed(f"{method} {self.access.server}{path}: {str(error) or type(error).__name__}") from error
            except RuntimeError as error:
                if self._session is not None:
                    raise
                # Closed under a request that was about to be sent: we are stopping.
                raise ConnectionFailed(f"{method} {self.access.server}{path}: the client is closed") from error
            await asyncio.sleep(wait_s)
        raise AssertionError("unreachable")

    async def _once(
        self, method: str, path: str, params: Mapping[str, str] | None, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> bytes:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with self.session.request(
            method,
            self.access.server + path,
            params=params,
            data=body,
            headers=headers,
            server_hostname=self.access.tls_server_name,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        ) as response:
            data = await response.read()
            _answers.count(self._host, method, response.status, loop.time() - began)
            if response.status >= 400:
                raise _status_error(response.status, data, response.headers.get("Retry-After"))
            return data

    # -- objects ---------------------------------------------------------------------------------------------------

    async def get(self, kind: type[K], name: str, namespace: str | None = None, *, resource_version: str | None = None) -> K:
        data = await self.raw("GET", resource_of(kind).path(namespace, name), params=_options(resourceVersion=resource_version))
        return msgspec.json.decode(data, type=kind)

    async def list(
        self,
        kind: type[K],
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int | None = None,
        continue_: str | None = None,
        resource_version: str | None = None,
    ) -> ListResult[K]:
        """Objects of one namespace, or of all. With resource_version="0" from the server's cache, else consistent."""
        params = _options(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            limit=limit,
            resourceVersion=resource_version,
            **{"continue": continue_},
        )
        data = await self.raw("GET", resource_of(kind).path(namespace), params=params)
        envelope = msgspec.json.decode(data, type=_RawList)
        raw = bytes(envelope.items)
        items = msgspec.json.decode(raw, type=list[kind]) if raw != b"null" else []  # type: ignore[valid-type]
        return ListResult(items, str(envelope.metadata.get("resourceVersion", "")), envelope.metadata.get("continue") or None)

    async def create(self, obj: K, *, namespace: str | None = None, dry_run: bool = False) -> K:
        path = resource_of(type(obj)).path(namespace or _namespace(obj))
        params = _options(fieldManager=self.user_agent, dryRun="All" if dry_run else None)
        return msgspec.json.decode(await self.raw("POST", path, params=params, body=msgspec.json.encode(obj)), type=type(obj))

    async def update(self, obj: K, *, subresource: str | None = None) -> K:
        """Replace an object; its resourceVersion makes it conditional. A conflict is StatusError 409, never retried here."""
        path = resource_of(type(obj)).path(_namespace(obj), _name(obj), subresource)
        params = _options(fieldManager=self.user_agent)
        return msgspec.json.decode(await self.raw("PUT", path, params=params, body=msgspec.json.encode(obj)), type=type(obj))

    async def update_status(self, obj: K) -> K:
        return await self.update(obj, subresource="status")

    async def patch(
        self,
        kind: type[K],
        name: str,
        namespace: str | None = None,
        *,
        body: Any,
        patch_type: str = "merge",
        subresource: str | None = None,
        force: bool | None = None,
        field_manager: str | None = None,
    ) -> K:
        """Patch an object. `body` is anything msgspec encodes; `patch_type` is json, merge, strategic or apply."""
        path = resource_of(kind).path(namespace, name, subresource)
        params = _options(fieldManager=field_manager or self.user_agent, force=force)
        data = await self.raw("PATCH", path, params=params, body=msgspec.json.encode(body), content_type=PATCH_TYPES[patch_type])
        return msgspec.json.decode(data, type=kind)

    async def delete(
        self,
        kind: type[K],
        name: str,
        namespace: str | None = None,
        *,
        grace_period_s: int | None = None,
        propagation_policy: str | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        """Ask for deletion; returns when the server has taken it, which for pods is before they are gone."""
        preconditions = {k: v for k, v in {"uid": uid, "resourceVersion": resource_version}.items() if v}
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if grace_period_s is not None:
            options["gracePeriodSeconds"] = grace_period_s
        if propagation_policy:
            options["propagationPolicy"] = propagation_policy
        if preconditions:
            options["preconditions"] = preconditions
        await self.raw("DELETE", resource_of(kind).path(namespace, name), body=msgspec.json.encode(options))

    async def create_subresource(self, kind: type[Object], name: str, namespace: str | None, subresource: str, body: Any) -> bytes:
        """POST to a subresource (binding, eviction, token); the raw answer."""
        return await self.raw("POST", resource_of(kind).path(namespace, name, subresource), body=msgspec.json.encode(body))

    # -- watch -----------------------------------------------------------------------------------------------------

    async def watch(
        self,
        kind: type[K],
        namespace: str | None = None,
        *,
        resource_version: str,
        label_selector: str | None = None,
        field_selector: str | None = None,
        timeout_s: int = WATCH_TIMEOUT_S,
    ) -> AsyncIterator[WatchEvent[K]]:
        """Changes after `resource_version`, until the server ends the watch. An ERROR event raises its StatusError (410: relist)."""
        resource: Resource = resource_of(kind)
        params = _options(
            watch=True,
            resourceVersion=resource_version,
            allowWatchBookmarks=True,
            timeoutSeconds=timeout_s,
            labelSelector=label_selector,
            fieldSelector=field_selector,
        )
        decoder = msgspec.json.Decoder(kind)
        async for line in self.lines(resource.path(namespace), params=params, silence_s=timeout_s + 30):
            event = msgspec.json.decode(line, type=_RawEvent)
            if event.type == "ERROR":
                raise errors.StatusError.from_status(msgspec.json.decode(bytes(event.object)), 500)
            yield WatchEvent(event.type, decoder.decode(event.object))

    async def lines(
        self, path: str, *, params: Mapping[str, str], accept: str = "application/json", silence_s: float = 60.0
    ) -> AsyncIterator[bytes]:
        """The lines of a streamed answer as they come. Raises StatusError, or ConnectionFailed when it breaks or is silent for too long."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=silence_s)
        try:
            async with self.session.get(
                self.access.server + path,
                params=params,
                headers={"Accept": accept, **self._authorization()},
                timeout=timeout,
                server_hostname=self.access.tls_server_name,
            ) as response:
                if response.status >= 400:
                    raise _status_error(response.status, await response.read(), response.headers.get("Retry-After"))
                async for line in _lines(response.content):
                    yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ConnectionFailed(f"watch {path}: {str(error) or type(error).__name__}") from error


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of a stream, however long (a bound ends a runaway one); one chunk's lines are split at once."""
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > WATCH_LINE_BYTES:
            raise ConnectionFailed(f"a watch event is larger than {WATCH_LINE_BYTES} bytes")
        for line in whole:
            if line:
                yield line


def _status_error(code: int, data: bytes, retry_after: str | None) -> errors.StatusError:
    """The Status in an error's body, or one made of the bare text of a proxy."""
    try:
        status = msgspec.json.decode(data, type=dict[str, Any])
        error = errors.StatusError.from_status(status, code)
    except (msgspec.DecodeError, msgspec.ValidationError):
        error = errors.StatusError(code, "", data[:500].decode(errors="replace").strip() or f"the server answered {code}")
    if retry_after and retry_after.isdigit() and not error.retry_after_s:
        error.details["retryAfterSeconds"] = int(retry_after)
    return error


def _name(obj: Any) -> str:
    return obj.metadata.name or ""


def _namespace(obj: Any) -> str | None:
    namespace: str | None = obj.metadata.namespace
    return namespace

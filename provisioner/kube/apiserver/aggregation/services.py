"""Which group and version is served by whom, and whether it is there: the condition Available of each APIService.

Source: apiregistration.k8s.io/v1 APIService; reasons are upstream's.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import msgspec
from aiohttp import web
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from provisioner.kube.api import codec
from provisioner.kube.api._generated import apiregistration_v1, core_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.bounded_bodies import read_at_most
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kubelet_proxy import Upstream
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import Change, WatchCache

log = logging.getLogger(__name__)

STORED_AS = "apiregistration.k8s.io/apiservices"
# As upstream: how long discovery of another server may take, and how often it is asked.
CHECK_S, CHECK_EVERY_S = 5.0, 30.0
# The pause before a change is acted on: objects that belong together come together.
SETTLE_S = 0.2
# The least pause between corrections of what others wrote.
CORRECT_EVERY_S = 5.0
AT_ONCE = 8
DOCUMENT_BYTES = 8 * 1024 * 1024
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"

Resolve = Callable[[str, str, int], tuple[str, int]]


class Record(Protocol):
    """Writes an APIService's condition where it has changed."""

    async def __call__(self, name: str, status: str, reason: str, message: str) -> None: ...


@dataclass(slots=True, eq=False)
class Remote:
    """`resources` is what its discovery said last, as apidiscovery.k8s.io/v2 has it. `answer` is of a group that this process serves beside
    its own: nobody else is asked then."""

    service: apiregistration_v1.APIService
    available: bool = False
    resources: list[dict[str, Any]] = field(default_factory=list)
    context: ssl.SSLContext | None = None
    answer: Callable[[web.Request, Call], Awaitable[web.StreamResponse]] | None = None
    # status, reason and message of the condition as we wrote it last
    told: tuple[str, str, str] | None = None

    @property
    def name(self) -> str:
        return self.service.metadata.name or ""

    @property
    def group_version(self) -> tuple[str, str]:
        return self.service.spec.group or "", self.service.spec.version or ""


class Services:
    def __init__(self, cache: WatchCache, clock: Clock, resolve: Resolve, client_pair: tuple[str, str]) -> None:
        """`client_pair`: files of the certificate that remote servers know us by, and of its key."""
        self._cache, self._clock, self._resolve, self._pair = cache, clock, resolve, client_pair
        self.remotes: dict[tuple[str, str], Remote] = {}
        # What this process answers unless an APIService names another server.
        self.built_in: dict[tuple[str, str], Remote] = {}
        # How often a server was found gone, by its name and the reason.
        self._losses: dict[tuple[str, str], int] = {}
        self._changed = asyncio.Event()
        self._corrected_at = -CORRECT_EVERY_S
        self._session: aiohttp.ClientSession | None = None
        cache.collection(STORED_AS).listeners.append(self._follow)
        for stored_as in ("core/services", "discovery.k8s.io/endpointslices"):
            cache.collection(stored_as).listeners.append(self._touched)

    def add_built_in(self, remote: Remote) -> None:
        self.built_in[remote.group_version] = remote
        self.remotes.setdefault(remote.group_version, remote)

    def _follow(self, change: Change) -> None:
        old = next((r for r in self.remotes.values() if r.name == (change.new or change.old).key), None)  # type: ignore[union-attr]
        if old is not None:
            del self.remotes[old.group_version]
            if old.answer is not None:
                old = None
        if change.new is not None:
            found = codec.decode(apiregistration_v1.APIService, change.new.data)
            if found.spec.service is not None:
                if old is not None and old.service.spec == found.spec:
                    # The same object: a check of it may be under way.
                    old.service, remote = found, old
                    self._put_right(remote)
                else:
                    remote = Remote(found)
                    self._changed.set()
                self.remotes[remote.group_version] = remote
        self.remotes = {**self.built_in, **self.remotes}

    def _put_right(self, remote: Remote) -> None:
        """Somebody else's word about a server we know is corrected at once; but API servers that see it differently don't race."""
        said = next(((c.status, c.reason, c.message) for c in remote.service.status.conditions or () if c.type == "Available"), None)
        now = self._clock.monotonic()
        if remote.told is not None and said != remote.told and now - self._corrected_at >= CORRECT_EVERY_S:
            self._corrected_at = now
            self._changed.set()

    def _touched(self, change: Change) -> None:
        entry = change.new or change.old
        if not self.remotes or entry is None:
            return
        namespace, _, name = entry.key.partition("/")
        of = entry.labels.get("kubernetes.io/service-name") or name
        for remote in self.remotes.values():
            service = remote.service.spec.service
            if service is not None and (service.namespace, service.name) == (namespace, of):
                self._changed.set()

    def upstream(self, remote: Remote) -> Upstream:
        """Where a remote server is now. Raises 404, 503."""
        spec = remote.service.spec
        assert spec.service is not None
        namespace, name = spec.service.namespace or "", spec.service.name or ""
        host, port = self._resolve(namespace, name, spec.service.port or 443)
        if remote.context is None:
            remote.context = self._context(spec)
        return Upstream(host, port, remote.context, f"{name}.{namespace}.svc")

    def _context(self, spec: apiregistration_v1.APIServiceSpec) -> ssl.SSLContext:
        bundle = base64.b64decode(spec.ca_bundle).decode() if spec.ca_bundle else None
        context = ssl.create_default_context(cadata=bundle)
        if spec.insecure_skip_tls_verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self._pair[0]:
            context.load_cert_chain(*self._pair)
        return context

    def collect(self) -> Iterator[Metric]:
        """Upstream's series, for whoever scrapes."""
        gone = GaugeMetricFamily("aggregator_unavailable_apiservice", "1 while an APIService's server does not answer", labels=["name"])
        for remote in self.remotes.values():
            gone.add_metric([remote.name], int(not remote.available and remote.answer is None))
        losses = CounterMetricFamily("aggregator_unavailable_apiservice", "How often it stopped answering", labels=["name", "reason"])
        for key, count in self._losses.items():
            losses.add_metric(key, count)
        yield gone
        yield losses

    async def run(self, record: Record) -> None:
        """Look at every remote server now and then, and when something about it changes."""
        while True:
            self._changed.clear()
            places = asyncio.Semaphore(AT_ONCE)

            async def one(remote: Remote, places: asyncio.Semaphore = places) -> None:
                async with places:
                    await self._check(remote, record)

            await asyncio.gather(*(one(remote) for remote in self.remotes.values() if remote.answer is None))
            try:
                async with asyncio.timeout(CHECK_EVERY_S):
                    await self._changed.wait()
                await self._clock.sleep(SETTLE_S)
            except TimeoutError:
                continue

    async def _check(self, remote: Remote, record: Record) -> None:
        reason, message = await self._problem(remote)
        was = remote.available
        remote.available = not reason
        if was != remote.available:
            log.info("api service=%s available=%s: %s", remote.name, remote.available, message or "all checks passed")
            if reason:
                self._losses[remote.name, reason] = self._losses.get((remote.name, reason), 0) + 1
        remote.told = ("False", reason, message) if reason else ("True", "Passed", "all checks passed")
        await record(remote.name, *remote.told)

    async def _problem(self, remote: Remote) -> tuple[str, str]:
        """("", "") for a server that answers; else upstream's reason and message."""
        reference = remote.service.spec.service
        assert reference is not None
        namespace, name, port = reference.namespace or "", reference.name or "", reference.port or 443
        entry = self._cache.collection("core/services").entries.get(f"{namespace}/{name}")
        if entry is None:
            return "ServiceNotFound", f"service/{name} in {namespace!r} is not present".replace("'", '"')
        service = codec.decode(core_v1.Service, entry.data)
        if service.spec.type != "ExternalName" and not any(p.port == port for p in service.spec.ports or ()):
            return "ServicePortError", f'service/{name} in "{namespace}" is not listening on port {port}'
        try:
            upstream = self.upstream(remote)
        except StatusError:
            return "MissingEndpoints", f'endpoints for service/{name} in "{namespace}" have no addresses'
        except (ssl.SSLError, ValueError, OSError) as error:
            return "FailedDiscoveryCheck", f"TLS can't be set up: {error}"
        group, version = remote.group_version
        try:
            remote.resources = await self._discovered(upstream, group, version)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            url = f"https://{upstream.host}:{upstream.port}/apis/{group}/{version}"
            return "FailedDiscoveryCheck", f"failing or missing response from {url}: {str(error) or type(error).__name__}"
        return "", ""

    async def _discovered(self, upstream: Upstream, group: str, version: str) -> list[dict[str, Any]]:
        """The resources of one version. Raises ClientError, OSError, TimeoutError, ValueError."""
        answer = await self.fetch(upstream, f"/apis/{group}/{version}")
        if not isinstance(answer, dict) or answer.get("kind") != "APIResourceList":
            raise ValueError("the answer is no APIResourceList")
        return list(_as_discovery(answer, group, version))

    async def fetch(self, upstream: Upstream, path: str) -> Any:
        """A document of a remote server, asked as this server itself. Raises ClientError, OSError, TimeoutError, ValueError."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64))
        headers = {"X-Remote-User": "system:kube-aggregator", "X-Remote-Group": "system:masters", "Accept": "application/json"}
        async with self._session.get(
            upstream.origin + path,
            headers=headers,
            ssl=upstream.tls if upstream.tls is not None else True,
            server_hostname=upstream.server_name,
            timeout=aiohttp.ClientTimeout(total=CHECK_S),
            allow_redirects=False,
        ) as answer:
            body = await read_at_most(answer, DOCUMENT_BYTES)
            if answer.status != 200:
                raise ValueError(f"bad status from {upstream.origin}{path}: {answer.status}")
        return msgspec.json.decode(body)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _as_discovery(listed: dict[str, Any], group: str, version: str) -> Iterator[dict[str, Any]]:
    """An APIResourceList in the form of aggregated discovery."""
    below: dict[str, list[dict[str, Any]]] = {}
    for entry in listed.get("resources") or ():
        name, slash, sub = str(entry.get("name", "")).partition("/")
        if slash:
            kind = {"group": entry.get("group") or group, "version": entry.get("version") or version, "kind": entry.get("kind", "")}
            below.setdefault(name, []).append({"subresource": sub, "responseKind": kind, "verbs": entry.get("verbs") or []})
    for entry in listed.get("resources") or ():
        name = str(entry.get("name", ""))
        if "/" in name:
            continue
        found: dict[str, Any] = {
            "resource": name,
            "responseKind": {
                "group": entry.get("group") or group,
                "version": entry.get("version") or version,
                "kind": entry.get("kind", ""),
            },
            "scope": "Namespaced" if entry.get("namespaced") else "Cluster",
            "singularResource": entry.get("singularName", ""),
            "verbs": entry.get("verbs") or [],
        }
        for key in ("shortNames", "categories"):
            if entry.get(key):
                found[key] = entry[key]
        if below.get(name):
            found["subresources"] = below[name]
        yield found

"""The server put together: storage, rules, admission, verbs, and the TLS listener; and what runs beside requests."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec
from aiohttp import web

from provisioner.kube.api.meta import parse_time
from provisioner.kube.apiserver import encryption_config, gatekeeping, health
from provisioner.kube.apiserver.admission.certificates import Certificates
from provisioner.kube.apiserver.admission.chain import Admission
from provisioner.kube.apiserver.admission.expressions import Expressions
from provisioner.kube.apiserver.admission.plugins import Parts, plugins
from provisioner.kube.apiserver.admission.times import Times
from provisioner.kube.apiserver.aggregation.documents import Merged
from provisioner.kube.apiserver.aggregation.forward import AggregatedGroups
from provisioner.kube.apiserver.aggregation.openapi_v2 import ForeignDocuments
from provisioner.kube.apiserver.aggregation.services import Services as ApiServices
from provisioner.kube.apiserver.answers import Resources
from provisioner.kube.apiserver.app import App, Gate, Seats
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.authorization.rbac import Rbac
from provisioner.kube.apiserver.browsers import Browsers
from provisioner.kube.apiserver.calls import Caller
from provisioner.kube.apiserver.config_reload import ConfigReload
from provisioner.kube.apiserver.custom.definitions import Definitions
from provisioner.kube.apiserver.debug_pages import pages
from provisioner.kube.apiserver.documents import Documents
from provisioner.kube.apiserver.fairness.controller import Fairness
from provisioner.kube.apiserver.fairness.seats import CountedSeats, FairSeats
from provisioner.kube.apiserver.http_log import http_log
from provisioner.kube.apiserver.kubelet_proxy import Forwarder
from provisioner.kube.apiserver.metrics import Metrics, StoredObjects
from provisioner.kube.apiserver.openapi.published import OpenApi
from provisioner.kube.apiserver.quick import connections as quick_connections
from provisioner.kube.apiserver.quick.connections import ShortWay
from provisioner.kube.apiserver.quick.entrance import Entrance
from provisioner.kube.apiserver.quick.reads import QuickReads
from provisioner.kube.apiserver.quick.writes import QuickWrites
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.settings import Settings
from provisioner.kube.apiserver.subresources.dispatch import Subresources
from provisioner.kube.apiserver.subresources.streams import Streams
from provisioner.kube.apiserver.tls import Listener
from provisioner.kube.apiserver.usage.group import ResourceMetrics
from provisioner.kube.apiserver.watches import Watches
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.storage.cache import WatchCache
from provisioner.kube.storage.encryption import Vault
from provisioner.kube.storage.etcd import Etcd, EtcdError
from provisioner.kube.storage.store import Store

log = logging.getLogger(__name__)

# How long requests that are under way have at the stop.
DRAIN_S = 5.0
START_RETRY_S = 1.0
# How long tokens outlive the end of what they are bound to, as upstream.
DELETED_LEEWAY_S = 60
# How often the encryption configuration is looked at, as upstream.
RELOAD_S = 60.0
# Kinds whose existence tokens are bound to.
_BOUND = {"ServiceAccount": "core/serviceaccounts", "Pod": "core/pods", "Secret": "core/secrets", "Node": "core/nodes"}


class Server:
    """Made inside the running loop. `start` returns when the port answers; `bootstrapped` is set by who has made the first objects."""

    def __init__(self, settings: Settings, clock: Clock, advertise: str) -> None:
        flags = settings.flags
        self.settings, self.clock, self.advertise = settings, clock, advertise
        self.stopping = asyncio.Event()
        # /readyz says no, requests are still taken: --shutdown-delay-duration
        self.draining = False
        self.bootstrapped = asyncio.Event()
        self.etcd = Etcd(settings.etcd)
        self.registry = Registry(settings.served)
        root = f"/{flags.etcd_prefix.strip('/')}/".encode()
        self.vault = Vault(root, settings.encryption)
        self.cache = WatchCache(self.etcd, self.registry.facts, self.vault, root)
        self.store = Store(self.etcd, self.vault, root)
        self.metrics = Metrics()
        self.metrics.add(StoredObjects(self.cache.counts))
        self.metrics.follow_deprecated(self.registry.removed_release)
        self.etcd.answered = self.metrics.etcd_answered
        self.rbac = Rbac(self.cache)
        self.tokens = gatekeeping.service_account_tokens(settings, clock, self._exists)
        self._modes = gatekeeping.Modes(self.cache, clock, self.rbac)
        self.authorizer = Authorizer(self._modes.of(settings.authorizers))
        self.authenticator = gatekeeping.authenticator(settings, self.cache, clock, self.tokens)
        self.audit = gatekeeping.audit(settings, clock, self.metrics)
        self.fairness = Fairness(
            self.cache, clock, flags.max_requests_inflight + flags.max_mutating_requests_inflight, flags.request_timeout / 4
        )
        self.caller = Caller(lambda namespace, name, port: self.streams.service_address(namespace, name, port))
        certificates, expressions = Certificates(self.authorizer), Expressions(self.cache, self.authorizer)
        times = Times()
        self.metrics.add(times)
        parts = Parts(self.cache, self.store, self.registry, self.rbac, self.authorizer, expressions, self.caller, certificates, times)
        admission = Admission(plugins(flags, settings.admission, parts), times)
        self.rest = Rest(self.cache, self.store, admission, clock, int(flags.event_ttl))
        self.watches = Watches(self.cache, self.stopping, flags.min_request_timeout)
        self.forwarder = Forwarder()
        self.streams = Streams(self.registry, self.rest, settings.kubelets, self.forwarder, flags.kubelet_preferred_address_types)
        subresources = Subresources(
            self.registry, self.rest, self.authenticator, self.authorizer, self.rbac, self.streams, certificates, clock
        )
        resources = Resources(self.registry, self.rest, self.watches, subresources, self.metrics, clock)
        self.openapi = OpenApi(self.registry)
        self.definitions = Definitions(self.registry, self.cache, clock, self.caller, self.openapi.forget)
        pair = (flags.proxy_client_cert_file, flags.proxy_client_key_file)
        self.services = ApiServices(self.cache, clock, self.streams.service_address, pair)
        self.metrics.add(self.services)
        self.openapi.foreign = ForeignDocuments(self.services, clock).all
        self.usage = ResourceMetrics(self.cache, clock, self.streams.kubelet) if flags.enable_resource_metrics else None
        if self.usage is not None:
            self.services.add_built_in(self.usage.remote())
        gate, seats, elsewhere = Gate(self.authenticator, self.authorizer), self._seats(), AggregatedGroups(self.services, self.forwarder)
        browsers = Browsers(flags.cors_allowed_origins, flags.strict_transport_security_directives)
        self.app = App(gate, resources.answer, self._documents().answer, self.metrics, seats, elsewhere, self.audit, browsers)
        # What is told to the audit log goes the long way, and what browsers are always told.
        is_short = self.audit is None and not browsers.always
        self._short_ways = self._quick(Entrance(gate, seats, elsewhere, self.registry), resources) if is_short else {}
        self._runner: web.ServerRunner | None = None
        self._running: list[asyncio.Task[None]] = []

    def _documents(self) -> Documents:
        services = self.cache.collection("apiregistration.k8s.io/apiservices")
        checks = health.checks(
            etcd=lambda: self.cache.failure,
            loaded=lambda: None if self.cache.revision else "the watch cache is not loaded",
            bootstrapped=lambda: None if self.bootstrapped.is_set() else "not finished",
            registered=lambda: None if services.entries else "no group is registered",
            shutdown=lambda: "stopping" if self.stopping.is_set() or self.draining else None,
        )
        flags = self.settings.flags
        address = f"{flags.external_hostname or self.advertise}:{flags.secure_port}"
        jwks_uri, merged = flags.service_account_jwks_uri, Merged(self.services)
        about = pages(flags, self.clock, self.fairness if flags.enable_priority_and_fairness else None)
        return Documents(self.registry, self.openapi, self.metrics, self.tokens, address, checks, merged, about, jwks_uri)

    def _quick(self, entrance: Entrance, resources: Resources) -> dict[bytes, ShortWay]:
        """By how a request begins."""
        reads = QuickReads(entrance, self.cache, resources.lists, self.metrics)
        writes = QuickWrites(entrance, resources.writes, self.metrics)
        return {b"GET ": reads, b"POST": writes, b"PUT ": writes, b"PATC": writes}

    def _seats(self) -> Seats:
        flags = self.settings.flags
        if flags.enable_priority_and_fairness:
            self.metrics.add(self.fairness)
            return FairSeats(self.fairness, self.registry, self.cache)
        return CountedSeats(flags.max_requests_inflight, flags.max_mutating_requests_inflight)

    def _exists(self, kind: str, namespace: str, name: str, uid: str) -> bool:
        entry = self.cache.collection(_BOUND[kind]).entries.get(f"{namespace}/{name}" if namespace else name)
        if entry is None or (uid and b'"uid":"%b"' % uid.encode() not in entry.data):
            return False
        if b'"deletionTimestamp"' not in entry.data:
            return True
        ends = parse_time(msgspec.json.decode(entry.data)["metadata"].get("deletionTimestamp"))
        return ends is None or ends.timestamp() + DELETED_LEEWAY_S > self.clock.now().timestamp()

    async def start(self) -> None:
        """Load what etcd has, waiting for etcd as long as it takes, then listen."""
        while True:
            try:
                await self.cache.start()
                break
            except EtcdError as error:
                log.warning("waiting for etcd servers=%s: %s", ",".join(self.settings.etcd.servers), error)
                await asyncio.sleep(START_RETRY_S)
        flags = self.settings.flags
        server = quick_connections.Server(
            self.app.handle,
            self._short_ways,
            access_log=None,
            logger=http_log(),
            handler_cancellation=True,
            keepalive_timeout=180.0,
            max_line_size=16384,
            max_field_size=32768,
        )
        listener = Listener(flags, self.advertise, self.authenticator.authorities.refresh)
        self._runner = web.ServerRunner(server, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner,
            flags.bind_address,
            flags.secure_port,
            ssl_context=listener.context,
            backlog=1024,
            reuse_address=True,
            shutdown_timeout=DRAIN_S,
        )
        await site.start()
        self._running.append(spawn("reload certificates", listener.run(self.clock)))
        if flags.authentication_config or flags.authorization_config:
            reload = ConfigReload(flags, self.clock, self.authenticator, self.authorizer, self._modes)
            self._running.append(spawn("reload configurations", reload.run()))
        if flags.etcd_compaction_interval:
            self._running.append(spawn("compact etcd", self._compact(flags.etcd_compaction_interval)))
        if flags.encryption_provider_config and flags.encryption_provider_config_automatic_reload:
            self._running.append(spawn("reload encryption", self._reload_encryption(flags.encryption_provider_config)))
        if flags.enable_priority_and_fairness:
            self._running.append(spawn("adjust seats", self.fairness.run()))

    async def _compact(self, interval_s: float) -> None:
        """Keep one interval of etcd's history: whoever watches from further back lists again."""
        while True:
            revision = self.cache.revision
            await self.clock.sleep(interval_s)
            try:
                await self.etcd.compact(revision)
            except EtcdError as error:
                log.warning("etcd was not compacted revision=%d: %s", revision, error)

    async def _reload_encryption(self, path: str) -> None:
        """Take over what the file says, when it says something else and that is right."""
        known = Path(path).read_bytes()
        while True:
            await self.clock.sleep(RELOAD_S)
            try:
                now = Path(path).read_bytes()
                if now != known:
                    self.vault.replace(encryption_config.load(path))
                    self.cache.all_stale()
                    known = now
                    log.info("encryption configuration reloaded path=%s", path)
            except (OSError, ValueError) as error:
                log.error("encryption configuration is not taken over path=%s: %s", path, error)

    async def close(self) -> None:
        """Watches end, requests under way are answered, then storage lets go."""
        if self._runner is not None and self.settings.flags.shutdown_delay_duration:
            self.draining = True
            await self.clock.sleep(self.settings.flags.shutdown_delay_duration)
        self.stopping.set()
        self.watches.wake_all()
        if self._runner is not None:
            await self._runner.cleanup()
        await stop(*self._running)
        await self.services.close()
        if self.usage is not None:
            await self.usage.close()
        await self.forwarder.close()
        await self.caller.close()
        await self.rest.admission.close()
        await self.authenticator.close()
        await self._modes.close()
        if self.audit is not None:
            await self.audit.close()
        await self.store.close()
        await self.cache.close()
        await self.etcd.close()

"""The server put together: storage, rules, admission, verbs, and the TLS listener; and what runs beside requests."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from aiohttp import web

from provisioner.kube.apiserver.admission.certificates import Certificates
from provisioner.kube.apiserver.admission.chain import Admission, Plugin
from provisioner.kube.apiserver.admission.classes import DefaultIngressClass, DefaultStorageClass, RuntimeClass
from provisioner.kube.apiserver.admission.escalation import Escalation
from provisioner.kube.apiserver.admission.expressions import Expressions
from provisioner.kube.apiserver.admission.lifecycle import NamespaceLifecycle
from provisioner.kube.apiserver.admission.limits import LimitRanger
from provisioner.kube.apiserver.admission.pod_security import PodSecurity
from provisioner.kube.apiserver.admission.pods import (
    DefaultTolerationSeconds,
    NodeRestriction,
    Priority,
    ServiceAccount,
    TaintNodesByCondition,
)
from provisioner.kube.apiserver.admission.policies import MutatingPolicies, ValidatingPolicies
from provisioner.kube.apiserver.admission.quota import ResourceQuota
from provisioner.kube.apiserver.admission.services import Services
from provisioner.kube.apiserver.admission.webhooks import Webhooks
from provisioner.kube.apiserver.answers import Resources
from provisioner.kube.apiserver.app import App, Gate
from provisioner.kube.apiserver.authn import Authenticator, CertificateAuthorities, read_token_file
from provisioner.kube.apiserver.authz import AlwaysAllow, AlwaysDeny, Authorizer, Mode
from provisioner.kube.apiserver.calls import Caller
from provisioner.kube.apiserver.custom.definitions import DefinitionDefaults, Definitions
from provisioner.kube.apiserver.documents import Documents
from provisioner.kube.apiserver.kubelet_proxy import Forwarder
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.node_authorizer import NodeAuthorizer
from provisioner.kube.apiserver.openapi import OpenApi
from provisioner.kube.apiserver.rbac import Rbac
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.settings import Settings
from provisioner.kube.apiserver.subresources.dispatch import Subresources
from provisioner.kube.apiserver.subresources.streams import Streams
from provisioner.kube.apiserver.tokens import ServiceAccountTokens
from provisioner.kube.apiserver.watches import Watches
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.serving import serving_context
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.storage.cache import WatchCache
from provisioner.kube.storage.etcd import Etcd, EtcdError
from provisioner.kube.storage.store import Store

log = logging.getLogger(__name__)

# How long requests that are under way have at the stop.
DRAIN_S = 5.0
START_RETRY_S = 1.0
# Kinds whose existence tokens are bound to.
_BOUND = {"ServiceAccount": "core/serviceaccounts", "Pod": "core/pods", "Secret": "core/secrets", "Node": "core/nodes"}


class Server:
    """Made inside the running loop. `start` returns when the port answers; `bootstrapped` is set by who has made the first objects."""

    def __init__(self, settings: Settings, clock: Clock, advertise: str) -> None:
        flags = settings.flags
        self.settings, self.clock, self.advertise = settings, clock, advertise
        self.stopping = asyncio.Event()
        self.bootstrapped = asyncio.Event()
        self.etcd = Etcd(settings.etcd)
        self.registry = Registry()
        self.cache = WatchCache(self.etcd, self.registry.facts)
        self.store = Store(self.etcd)
        self.metrics = Metrics()
        self.rbac = Rbac(self.cache)
        self.tokens = ServiceAccountTokens(
            flags.service_account_issuer[0],
            flags.api_audiences,
            settings.signing_key,
            settings.verify_keys,
            clock,
            self._exists,
        )
        self.authorizer = Authorizer([self._mode(name) for name in flags.authorization_mode])
        self.authenticator = Authenticator(
            self.tokens,
            read_token_file(Path(flags.token_auth_file)) if flags.token_auth_file else {},
            flags.anonymous_auth,
            CertificateAuthorities(flags.client_ca_file, settings.front_proxy),
        )
        self.certificates = Certificates(self.authorizer)
        self.expressions = Expressions(self.cache, self.authorizer)
        self.caller = Caller(lambda namespace, name, port: self.streams.service_address(namespace, name, port))
        self.webhooks = Webhooks(self.cache, self.expressions, self.caller)
        self.rest = Rest(self.cache, self.store, Admission(self._plugins()), clock)
        self.watches = Watches(self.cache, self.stopping)
        self.forwarder = Forwarder()
        self.streams = Streams(self.registry, self.rest, settings.kubelets, self.forwarder)
        subresources = Subresources(
            self.registry, self.rest, self.authenticator, self.authorizer, self.rbac, self.streams, self.certificates, clock
        )
        resources = Resources(self.registry, self.rest, self.watches, subresources, self.metrics, clock)
        self.openapi = OpenApi(self.registry)
        self.definitions = Definitions(self.registry, self.cache, clock, self.caller, self.openapi.forget)
        checks = {
            "etcd": lambda: self.cache.failure,
            "informer-sync": lambda: None if self.cache.revision else "the watch cache is not loaded",
            "poststarthook/bootstrap": lambda: None if self.bootstrapped.is_set() else "not finished",
            "shutdown": lambda: "stopping" if self.stopping.is_set() else None,
        }
        address = f"{advertise}:{flags.secure_port}"
        documents = Documents(self.registry, self.openapi, self.metrics, self.tokens, address, checks, frozenset({"informer-sync"}))
        self.app = App(Gate(self.authenticator, self.authorizer), resources.answer, documents.answer, self.metrics)
        self.app.limits = {"read": flags.max_requests_inflight, "write": flags.max_mutating_requests_inflight}
        self._runner: web.ServerRunner | None = None
        self._compacting: asyncio.Task[None] | None = None

    def _mode(self, name: str) -> Mode:
        if name == "RBAC":
            return self.rbac
        if name == "Node":
            return NodeAuthorizer(self.cache)
        return AlwaysAllow() if name == "AlwaysAllow" else AlwaysDeny()

    def _plugins(self) -> list[Plugin]:
        flags = self.settings.flags
        everything: list[Plugin] = [
            NamespaceLifecycle(self.cache),
            DefinitionDefaults(),
            ServiceAccount(self.cache),
            TaintNodesByCondition(),
            Priority(self.cache),
            DefaultTolerationSeconds(flags.default_not_ready_toleration_seconds, flags.default_unreachable_toleration_seconds),
            LimitRanger(self.cache),
            RuntimeClass(self.cache),
            DefaultStorageClass(self.cache),
            DefaultIngressClass(self.cache),
            MutatingPolicies(self.cache, self.registry, self.expressions),
            self.webhooks,
            ValidatingPolicies(self.cache, self.registry, self.expressions),
            PodSecurity(self.cache),
            self.certificates,
            Escalation(self.rbac, self.authorizer),
            Services(self.store, flags.service_cluster_ip_range, flags.service_node_port_range),
        ]
        if "Node" in flags.authorization_mode or "NodeRestriction" in flags.enable_admission_plugins:
            everything.append(NodeRestriction())
        # Last: what it takes can't be given back.
        everything.append(ResourceQuota(self.cache, self.store))
        return [plugin for plugin in everything if plugin.name not in flags.disable_admission_plugins]

    def _exists(self, kind: str, namespace: str, name: str, uid: str) -> bool:
        entry = self.cache.collection(_BOUND[kind]).entries.get(f"{namespace}/{name}" if namespace else name)
        return entry is not None and (not uid or b'"uid":"%b"' % uid.encode() in entry.data)

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
        server = web.Server(
            self.app.handle,
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=180.0,
            max_line_size=16384,
            max_field_size=32768,
        )
        self._runner = web.ServerRunner(server, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner,
            flags.bind_address,
            flags.secure_port,
            ssl_context=self._tls(),
            backlog=1024,
            reuse_address=True,
            shutdown_timeout=DRAIN_S,
        )
        await site.start()
        if flags.etcd_compaction_interval:
            self._compacting = spawn("compact etcd", self._compact(flags.etcd_compaction_interval))

    def _tls(self) -> ssl.SSLContext:
        flags = self.settings.flags
        names = [self.advertise, "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        context = serving_context(flags.tls_cert_file, flags.tls_private_key_file, names=names, client_ca_file=flags.client_ca_file)
        if flags.requestheader_client_ca_file:
            context.load_verify_locations(flags.requestheader_client_ca_file)
            context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        return context

    async def _compact(self, interval_s: float) -> None:
        """Keep one interval of etcd's history: whoever watches from further back lists again."""
        while True:
            revision = self.cache.revision
            await self.clock.sleep(interval_s)
            try:
                await self.etcd.compact(revision)
            except EtcdError as error:
                log.warning("etcd was not compacted revision=%d: %s", revision, error)

    async def close(self) -> None:
        """Watches end, requests under way are answered, then storage lets go."""
        self.stopping.set()
        self.watches.wake_all()
        if self._runner is not None:
            await self._runner.cleanup()
        await stop(self._compacting)
        await self.forwarder.close()
        await self.caller.close()
        await self.store.close()
        await self.cache.close()
        await self.etcd.close()

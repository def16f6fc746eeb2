"""kube-apiserver's main: flags, the parts put together, the TLS port, an orderly stop."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from provisioner.kube.apiserver.admission.chain import Admission, Plugin
from provisioner.kube.apiserver.admission.lifecycle import NamespaceLifecycle
from provisioner.kube.apiserver.admission.pods import (
    DefaultTolerationSeconds,
    NodeRestriction,
    Priority,
    ServiceAccount,
    TaintNodesByCondition,
)
from provisioner.kube.apiserver.admission.services import Services
from provisioner.kube.apiserver.answers import Resources
from provisioner.kube.apiserver.app import App, Gate
from provisioner.kube.apiserver.authn import Authenticator, FrontProxy, read_token_file
from provisioner.kube.apiserver.authz import AlwaysAllow, Authorizer, Mode
from provisioner.kube.apiserver.bootstrap import Bootstrap
from provisioner.kube.apiserver.documents import Documents
from provisioner.kube.apiserver.kubelet_proxy import Forwarder, KubeletAccess
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.node_authorizer import NodeAuthorizer
from provisioner.kube.apiserver.options import flag_set, node_port_range
from provisioner.kube.apiserver.rbac import Rbac
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.rest import Rest
from provisioner.kube.apiserver.subresources.dispatch import Subresources
from provisioner.kube.apiserver.subresources.streams import Streams
from provisioner.kube.apiserver.tokens import ServiceAccountTokens
from provisioner.kube.apiserver.watches import Watches
from provisioner.kube.client.clock import SystemClock
from provisioner.kube.client.daemon import Daemon, run_daemon
from provisioner.kube.client.flags import FlagError, Flags
from provisioner.kube.client.serving import serving_context
from provisioner.kube.storage.cache import WatchCache
from provisioner.kube.storage.etcd import Endpoint, Etcd, EtcdError
from provisioner.kube.storage.store import Store

log = logging.getLogger(__name__)

# Upstream's --etcd-compaction-interval: history is kept for five minutes.
COMPACT_S = 300.0
# etcd may come up at the same moment as we do.
ETCD_WAIT_S = 60.0
PLURALS = {"ServiceAccount": "serviceaccounts", "Pod": "pods", "Secret": "secrets", "Node": "nodes"}


async def _load(cache: WatchCache) -> None:
    deadline = asyncio.get_running_loop().time() + ETCD_WAIT_S
    while True:
        try:
            await cache.start()
            return
        except EtcdError as error:
            if asyncio.get_running_loop().time() > deadline:
                raise OSError(f"etcd did not answer within {ETCD_WAIT_S:.0f} s: {error}") from error
            log.warning("waiting for etcd: %s", error)
            await asyncio.sleep(0.5)


async def _compact(etcd: Etcd, cache: WatchCache) -> None:
    """Forget history older than COMPACT_S. Several servers may do it; the later one finds it done."""
    previous = 0
    while True:
        await asyncio.sleep(COMPACT_S)
        try:
            if previous:
                await etcd.compact(previous)
            previous = cache.revision
        except EtcdError as error:
            log.warning("compaction failed: %s", error)


def _authorizer(flags: Flags, rbac: Rbac, cache: WatchCache) -> Authorizer:
    modes: list[Mode] = []
    for name in flags.authorization_mode:
        if name == "AlwaysAllow":
            modes.append(AlwaysAllow())
        elif name == "RBAC":
            modes.append(rbac)
        elif name == "Node":
            modes.append(NodeAuthorizer(cache))
        else:
            raise FlagError(f"--authorization-mode: {name}: expected Node, RBAC or AlwaysAllow")
    return Authorizer(modes)


def _exists(cache: WatchCache, kind: str, namespace: str, name: str, uid: str) -> bool:
    """Whether an object that a token is bound to is still the same."""
    entry = cache.collection(f"core/{PLURALS[kind]}").entries.get(f"{namespace}/{name}" if namespace else name)
    return entry is not None and (not uid or f'"uid":"{uid}"'.encode() in entry.data)


def _front_proxy(flags: Flags) -> FrontProxy | None:
    if not flags.requestheader_client_ca_file:
        return None
    return FrontProxy(
        frozenset(flags.requestheader_allowed_names),
        tuple(flags.requestheader_username_headers),
        tuple(flags.requestheader_group_headers),
        tuple(flags.requestheader_extra_headers_prefix),
    )


def _tls(flags: Flags) -> ssl.SSLContext:
    names = [flags.advertise_address or "127.0.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    context = serving_context(flags.tls_cert_file, flags.tls_private_key_file, names=names, client_ca_file=flags.client_ca_file)
    if flags.requestheader_client_ca_file:
        context.load_verify_locations(flags.requestheader_client_ca_file)
        context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


async def start(daemon: Daemon, flags: Flags) -> None:
    clock = SystemClock()
    registry, metrics = Registry(), Metrics()
    etcd = Etcd(Endpoint(tuple(flags.etcd_servers), flags.etcd_cafile, flags.etcd_certfile, flags.etcd_keyfile))
    daemon.on_stop("etcd", etcd.close)
    store, cache = Store(etcd), WatchCache(etcd, registry.facts)
    daemon.on_stop("store", store.close)
    daemon.on_stop("watch cache", cache.close)
    service_range = ipaddress.IPv4Network(flags.service_cluster_ip_range)
    rbac = Rbac(cache)
    authorizer = _authorizer(flags, rbac, cache)
    tokens = ServiceAccountTokens(
        flags.service_account_issuer,
        flags.api_audiences,
        Path(flags.service_account_signing_key_file) if flags.service_account_signing_key_file else None,
        [Path(p) for p in flags.service_account_key_file],
        clock,
        lambda kind, namespace, name, uid: _exists(cache, kind, namespace, name, uid),
    )
    static = read_token_file(Path(flags.token_auth_file)) if flags.token_auth_file else {}
    authenticator = Authenticator(tokens, static, flags.anonymous_auth, _front_proxy(flags))
    plugins: list[Plugin] = [
        NamespaceLifecycle(cache),
        ServiceAccount(cache),
        TaintNodesByCondition(),
        Priority(cache),
        DefaultTolerationSeconds(flags.default_not_ready_toleration_seconds, flags.default_unreachable_toleration_seconds),
        Services(store, service_range, node_port_range(flags.service_node_port_range)),
        NodeRestriction(),
    ]
    disabled = set(flags.disable_admission_plugins)
    rest = Rest(cache, store, Admission([p for p in plugins if p.name not in disabled]), clock)
    watches = Watches(cache, daemon.stopping)
    forwarder = Forwarder()
    daemon.on_stop("forwarder", forwarder.close)
    access = KubeletAccess(flags.kubelet_client_certificate, flags.kubelet_client_key, flags.kubelet_certificate_authority)
    subresources = Subresources(registry, rest, authenticator, authorizer, rbac, Streams(registry, rest, access, forwarder), clock)
    resources = Resources(registry, rest, watches, subresources, metrics, clock)
    address = flags.advertise_address or "127.0.0.1"
    bootstrap = Bootstrap(registry, rest, str(service_range.network_address + 1), address, flags.secure_port)
    checks = {
        "ping": lambda: None,
        "etcd": lambda: cache.failure,
        "poststarthook/rbac/bootstrap-roles": lambda: None if bootstrap.done else "not finished",
    }
    documents = Documents(registry, metrics, tokens, f"{address}:{flags.secure_port}", checks)
    daemon.add_check("etcd", lambda: cache.failure)
    await _load(cache)
    app = App(Gate(authenticator, authorizer), resources.answer, documents.answer, metrics)
    await _listen(daemon, flags, app, watches)
    daemon.spawn("bootstrap", bootstrap.run())
    daemon.spawn("compaction", _compact(etcd, cache))
    await bootstrap.done_event.wait()
    daemon.on_stop("endpoints", bootstrap.leave)
    # What was made so far stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    await daemon.ready()


async def _listen(daemon: Daemon, flags: Flags, app: App, watches: Watches) -> None:
    server = web.Server(app.handle, access_log=None, handler_cancellation=True, read_bufsize=256 * 1024)
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=10.0)
    await runner.setup()
    site = web.TCPSite(runner, flags.bind_address, flags.secure_port, ssl_context=_tls(flags), backlog=1024)
    await site.start()

    async def close() -> None:
        watches.wake_all()
        await runner.cleanup()

    daemon.on_stop("listener", close)


def main(argv: Sequence[str] | None = None) -> int:
    return run_daemon(flag_set(), argv, start)


if __name__ == "__main__":
    sys.exit(main())

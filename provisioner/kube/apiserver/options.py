"""kube-apiserver's flags, by upstream's names.

Flags that would change nothing here are taken for the sake of scripts written for upstream's server, and said so at start.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from provisioner.kube.apiserver import runtime_config
from provisioner.kube.apiserver.audit import truncation, webhook
from provisioner.kube.apiserver.authorization.authz_config import MODES
from provisioner.kube.apiserver.browsers import directives, origins
from provisioner.kube.apiserver.tls import named_pairs
from provisioner.kube.client.flags import FlagSet, boolean, comma_list, duration, integer, ip_address, number, pairs

# Taken without effect, and why: there is nothing here that they would change.
WITHOUT_EFFECT = (
    *("aggregator-reject-forwarding-redirect", "allow-metric-labels", "allow-metric-labels-manifest", "apiserver-count"),
    *("audit-log-batch-buffer-size", "audit-log-batch-max-size", "audit-log-batch-max-wait", "audit-log-batch-throttle-burst"),
    *("audit-log-batch-throttle-enable", "audit-log-batch-throttle-qps", "audit-log-format", "audit-log-version"),
    *("audit-webhook-version", "authorization-webhook-cache-size"),
    *("cloud-config", "cloud-provider", "contention-profiling", "coordinated-leadership-lease-duration"),
    *("coordinated-leadership-renew-deadline", "coordinated-leadership-retry-period", "debug-socket-path"),
    *("default-watch-cache-size", "delete-collection-workers", "disable-http2-serving", "disabled-metrics"),
    *("emulated-version", "emulation-forward-compatible", "enable-aggregator-routing", "enable-garbage-collector", "enable-logs-handler"),
    *("endpoint-reconciler-type", "etcd-count-metric-poll-period", "etcd-db-metric-poll-interval", "etcd-healthcheck-timeout"),
    *("etcd-readycheck-timeout", "etcd-servers-overrides", "feature-gates", "goaway-chance", "http2-max-streams-per-connection"),
    *("kubelet-port", "kubelet-read-only-port", "kubelet-timeout", "kubernetes-service-node-port", "lease-reuse-duration-seconds"),
    *("livez-grace-period", "log-flush-frequency", "log-json-info-buffer-size", "log-json-split-stream", "log-text-info-buffer-size"),
    *("log-text-split-stream", "logging-format", "max-connection-bytes-per-sec", "min-compatibility-version", "peer-advertise-ip"),
    *("peer-advertise-port", "peer-ca-file", "permit-address-sharing", "permit-port-sharing", "profiling"),
    *("runtime-config-emulation-forward-compatible", "show-hidden-metrics-for-version"),
    *("shutdown-send-retry-after", "shutdown-watch-termination-grace-period", "storage-backend", "storage-initialization-timeout"),
    *("storage-media-type", "tls-curve-preferences", "tracing-config-file", "vmodule"),
    *("watch-cache", "watch-cache-sizes"),
)
# Of those, the ones that stand alone on a command line.
_SWITCHES = frozenset(
    {
        *("aggregator-reject-forwarding-redirect", "audit-log-batch-throttle-enable", "contention-profiling"),
        *("disable-http2-serving", "emulation-forward-compatible"),
        *("enable-aggregator-routing", "enable-garbage-collector", "enable-logs-handler", "log-json-split-stream", "log-text-split-stream"),
        *("permit-address-sharing", "permit-port-sharing", "profiling", "runtime-config-emulation-forward-compatible", "watch-cache"),
        *("shutdown-send-retry-after",),
    }
)

_TEXTS = (
    ("admission-control-config-file", "configuration of admission plug-ins (AdmissionConfiguration)"),
    ("audit-log-path", "file for the audit log, - for standard output"),
    ("audit-policy-file", "what the audit log has"),
    ("audit-webhook-config-file", "kubeconfig of the server that audit events are sent to"),
    ("egress-selector-config-file", "how others are reached (EgressSelectorConfiguration): only directly"),
    ("authentication-config", "who may be believed about users (AuthenticationConfiguration)"),
    ("authentication-token-webhook-config-file", "kubeconfig of the server that knows bearer tokens"),
    ("authorization-config", "the authorizers (AuthorizationConfiguration), instead of --authorization-mode"),
    ("authorization-webhook-config-file", "kubeconfig of the webhook authorizer"),
    ("client-ca-file", "CA of client certificates"),
    ("encryption-provider-config", "how stored objects are encrypted (EncryptionConfiguration)"),
    ("etcd-cafile", "CA of the etcd servers"),
    ("etcd-certfile", "our client certificate for etcd"),
    ("etcd-keyfile", "its key"),
    ("external-hostname", "the name under which the token issuer's documents are reached from outside"),
    ("kubelet-certificate-authority", "CA of the kubelets' serving certificates"),
    ("kubelet-client-certificate", "our client certificate for kubelets"),
    ("kubelet-client-key", "its key"),
    ("oidc-ca-file", "CA of the OIDC issuer; without one, the host's"),
    ("oidc-client-id", "audience of ID tokens"),
    ("oidc-groups-claim", "the claim with the user's groups"),
    ("oidc-groups-prefix", "put before each of them"),
    ("oidc-issuer-url", "OpenID Connect issuer, https:// only"),
    ("oidc-username-prefix", "put before the user's name; - for nothing (default: the issuer and #, unless the claim is email)"),
    ("proxy-client-cert-file", "our certificate for aggregated API servers and webhooks"),
    ("proxy-client-key-file", "its key"),
    ("requestheader-client-ca-file", "CA of the front proxy's certificate"),
    ("service-account-jwks-uri", "where the token issuer's document says the keys are; the default is this server"),
    ("service-account-signing-key-file", "key that signs service-account tokens; without keys, one is made in --cert-dir"),
    ("tls-cert-file", "serving certificate; without one, a self-signed certificate is made in --cert-dir"),
    ("tls-private-key-file", "its key"),
    ("token-auth-file", "static tokens: token,user,uid[,groups]"),
)
_LISTS: tuple[tuple[str, list[str], str], ...] = (
    ("api-audiences", [], "audiences of tokens for this API"),
    ("authorization-mode", ["AlwaysAllow"], f"in turn: {', '.join(MODES)}"),
    ("disable-admission-plugins", [], "default admission plug-ins to leave out"),
    ("enable-admission-plugins", [], "admission plug-ins beside the default ones"),
    ("etcd-servers", ["http://127.0.0.1:2379"], "etcd servers"),
    ("kubelet-preferred-address-types", ["InternalIP", "Hostname", "ExternalIP"], "which of a node's addresses we use, in turn"),
    ("oidc-signing-algs", ["RS256"], "algorithms of ID tokens"),
    ("requestheader-allowed-names", [], "common names of the front proxy; none means any"),
    ("requestheader-extra-headers-prefix", ["X-Remote-Extra-"], "prefixes of headers for extra facts"),
    ("requestheader-group-headers", ["X-Remote-Group"], "headers for groups"),
    ("requestheader-uid-headers", [], "headers for the user's UID"),
    ("requestheader-username-headers", ["X-Remote-User"], "headers for the user"),
    ("service-account-issuer", ["https://kubernetes.default.svc.cluster.local"], "who issues service-account tokens; the first signs"),
    ("service-account-key-file", [], "keys that service-account tokens are verified with"),
    ("tls-cipher-suites", [], "TLS 1.2 suites by Go's names; TLS 1.3 has its own"),
)


def port_range(text: str) -> tuple[int, int]:
    low, dash, high = text.partition("-")
    if not dash or not low.isdigit() or not high.isdigit() or not 0 < int(low) <= int(high) < 65536:
        raise ValueError("expected a range of ports like 30000-32767")
    return int(low), int(high)


def network(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text.split(",")[0])
    except ValueError as error:
        raise ValueError(f"expected a network like 10.96.0.0/16 ({error})") from None


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text

    return parse


def flag_set() -> FlagSet:
    flags = FlagSet("kube-apiserver", "the Kubernetes API, kept in etcd")
    for name, text in _TEXTS:
        flags.add(name, str, "", text)
    for name, default, text in _LISTS:
        flags.add(name, comma_list, default, text)
    flags.add("etcd-prefix", str, "/registry", "where objects lie in etcd")
    flags.add("etcd-compaction-interval", duration, 300.0, "how much of etcd's history is kept; 0 keeps all")
    flags.add("advertise-address", ip_address, "", "address of this server for the cluster; the default is the one that routes outwards")
    flags.add("bind-address", ip_address, "0.0.0.0", "address to listen on")
    flags.add("secure-port", integer, 6443, "port to listen on")
    flags.add("cert-dir", str, "/var/run/kubernetes", "where what is made at start is kept: a self-signed certificate, a signing key")
    flags.add("cors-allowed-origins", origins, [], "regular expressions of origins whose pages may ask")
    flags.add(
        "strict-transport-security-directives", directives, [], "what browsers are told: max-age=SECONDS[,includeSubDomains][,preload]"
    )
    flags.add("tls-sni-cert-key", named_pairs, [], "cert,key:name,name of a certificate for some names; may be repeated")
    flags.add("tls-min-version", one_of("VersionTLS12", "VersionTLS13"), "VersionTLS12", "the lowest version of TLS")
    flags.add("service-cluster-ip-range", network, ipaddress.IPv4Network("10.0.0.0/24"), "addresses of services")
    flags.add("service-node-port-range", port_range, (30000, 32767), "node ports of services")
    flags.add("default-not-ready-toleration-seconds", integer, 300, "how long pods bear a node that is not ready")
    flags.add("default-unreachable-toleration-seconds", integer, 300, "how long pods bear a node that is away")
    flags.add("allow-privileged", boolean, True, "whether containers may be privileged")
    flags.add("enable-resource-metrics", boolean, False, "whether kubelets are asked what nodes and pods use (metrics.k8s.io)")
    flags.add(
        "runtime-config",
        runtime_config.parse,
        {},
        "versions and resources that are served or not: api/beta=false, apps/v1/deployments=true",
    )
    flags.add("event-ttl", duration, 3600.0, "how long events are kept")
    _add_identity(flags)
    _add_flow(flags)
    _add_audit(flags)
    for name in WITHOUT_EFFECT:
        flags.add(name, boolean if name in _SWITCHES else str, "", "taken, without effect")
    return flags


def _add_identity(flags: FlagSet) -> None:
    none: dict[str, Any] = {}
    flags.add("anonymous-auth", boolean, True, "whether requests without credentials are system:anonymous")
    flags.add("authentication-token-webhook-cache-ttl", duration, 120.0, "how long that server's answers are kept")
    flags.add("authentication-token-webhook-version", one_of("v1", "v1beta1"), "v1", "version of its TokenReview")
    flags.add("authorization-webhook-cache-authorized-ttl", duration, 300.0, "how long its yes is kept")
    flags.add("authorization-webhook-cache-unauthorized-ttl", duration, 30.0, "how long its no is kept")
    flags.add("authorization-webhook-version", one_of("v1", "v1beta1"), "v1", "version of its SubjectAccessReview")
    flags.add("enable-bootstrap-token-auth", boolean, False, "whether bootstrap tokens are taken")
    flags.add("oidc-required-claim", pairs, none, "claim=value that ID tokens must have; may be repeated")
    flags.add("oidc-username-claim", str, "sub", "the claim with the user's name")
    flags.add("service-account-lookup", boolean, True, "whether tokens end with their service account")
    flags.add(
        "service-account-extend-token-expiration", boolean, True, "whether tokens of pods live on for a year after they are to be renewed"
    )
    flags.add("service-account-max-token-expiration", duration, 0.0, "the longest life of a token; 0: no limit")
    flags.add("encryption-provider-config-automatic-reload", boolean, False, "whether that file is read again when it changes")


def _add_flow(flags: FlagSet) -> None:
    flags.add("enable-priority-and-fairness", boolean, True, "whether requests queue by flow schemas; else they are only counted")
    flags.add("max-requests-inflight", integer, 400, "reads served at once; with priority and fairness, the sum counts")
    flags.add("max-mutating-requests-inflight", integer, 200, "writes served at once")
    flags.add("min-request-timeout", integer, 1800, "seconds that a watch lasts at least")
    flags.add("request-timeout", duration, 60.0, "how long an ordinary request may take")
    flags.add("shutdown-delay-duration", duration, 0.0, "how long requests are taken after /readyz fails at the stop")


def _add_audit(flags: FlagSet) -> None:
    modes = "how the audit log is written: batch, blocking, or blocking-strict: what can't be logged is not done"
    flags.add("audit-log-mode", one_of("batch", "blocking", "blocking-strict"), "blocking", modes)
    modes = "how events are sent: batch, blocking: requests wait for it, or blocking-strict: what can't be sent is not done"
    flags.add("audit-webhook-mode", one_of("batch", "blocking", "blocking-strict"), "batch", modes)
    flags.add("audit-log-compress", boolean, False, "whether rotated audit logs are packed by gzip")
    flags.add("audit-log-maxage", integer, 366, "days that rotated audit logs are kept; 0: for ever")
    flags.add("audit-log-maxbackup", integer, 100, "rotated audit logs that are kept; 0: all")
    flags.add("audit-log-maxsize", integer, 100, "megabytes of an audit log before it is rotated; 0: never")
    for backend in ("log", "webhook"):
        flags.add(f"audit-{backend}-truncate-enabled", boolean, False, "whether large audit events lose their bodies, or are dropped")
        flags.add(f"audit-{backend}-truncate-max-event-size", integer, truncation.EVENT_BYTES, "bytes of an event")
        flags.add(f"audit-{backend}-truncate-max-batch-size", integer, truncation.BATCH_BYTES, "bytes of what is sent at once")
    flags.add("audit-webhook-batch-buffer-size", integer, webhook.BUFFER, "events that may wait; more are dropped")
    flags.add("audit-webhook-batch-max-size", integer, webhook.BATCH, "events sent at once")
    flags.add("audit-webhook-batch-max-wait", duration, webhook.WAIT_S, "how long they are gathered")
    flags.add("audit-webhook-batch-throttle-enable", boolean, True, "whether lists of events are sent at a limited rate")
    flags.add("audit-webhook-batch-throttle-qps", number, webhook.QPS, "lists of events sent in a second")
    flags.add("audit-webhook-batch-throttle-burst", integer, webhook.BURST, "lists of events sent at once after a pause")
    flags.add("audit-webhook-initial-backoff", duration, webhook.BACKOFF_S, "wait before the first retry")

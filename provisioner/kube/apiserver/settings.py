"""The server's flags, under upstream's names, and what they amount to. Flags that would change nothing here are taken and said so at start."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from provisioner.kube.apiserver.authn import FrontProxy
from provisioner.kube.apiserver.kubelet_proxy import KubeletAccess
from provisioner.kube.client.flags import FlagError, Flags, FlagSet, boolean, comma_list, duration, integer
from provisioner.kube.storage.etcd import Endpoint

MODES = ("AlwaysAllow", "AlwaysDeny", "Node", "RBAC")
# Taken for the sake of scripts written for upstream's server; there is nothing here that they would change.
WITHOUT_EFFECT = (
    "allow-privileged",
    "apiserver-count",
    "endpoint-reconciler-type",
    "event-ttl",
    "external-hostname",
    "feature-gates",
    "kubelet-preferred-address-types",
    "kubelet-timeout",
    "profiling",
    "runtime-config",
    "service-account-lookup",
    "service-account-max-token-expiration",
    "storage-backend",
    "storage-media-type",
    "tls-cipher-suites",
    "tls-min-version",
    "watch-cache",
    "enable-aggregator-routing",
    "enable-bootstrap-token-auth",
    "enable-garbage-collector",
    "enable-priority-and-fairness",
    "default-watch-cache-size",
    "http2-max-streams-per-connection",
    "goaway-chance",
    "audit-webhook-config-file",
    "shutdown-delay-duration",
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


def flag_set() -> FlagSet:
    flags = FlagSet("kube-apiserver", "the Kubernetes API, kept in etcd")
    for name, text in (
        ("etcd-cafile", "CA of the etcd servers"),
        ("etcd-certfile", "our client certificate for etcd"),
        ("etcd-keyfile", "its key"),
        ("tls-cert-file", "serving certificate; without one, a self-signed certificate is made in --cert-dir"),
        ("tls-private-key-file", "its key"),
        ("client-ca-file", "CA of client certificates"),
        ("token-auth-file", "static tokens: token,user,uid[,groups]"),
        ("service-account-signing-key-file", "key that signs service-account tokens"),
        ("kubelet-client-certificate", "our client certificate for kubelets"),
        ("kubelet-client-key", "its key"),
        ("kubelet-certificate-authority", "CA of the kubelets' serving certificates"),
        ("requestheader-client-ca-file", "CA of the front proxy's certificate"),
        ("proxy-client-cert-file", "our certificate for aggregated API servers"),
        ("proxy-client-key-file", "its key"),
        ("advertise-address", "address of this server for the cluster; the default is the one that routes outwards"),
        ("audit-log-path", "file for the audit log, - for standard output"),
        ("audit-policy-file", "what the audit log has"),
        ("encryption-provider-config", "how stored objects are encrypted"),
    ):
        flags.add(name, str, "", text)
    for name, default, text in (
        ("etcd-servers", ["http://127.0.0.1:2379"], "etcd servers"),
        ("service-account-key-file", [], "keys that service-account tokens are verified with"),
        ("service-account-issuer", ["https://kubernetes.default.svc.cluster.local"], "who issues service-account tokens; the first signs"),
        ("api-audiences", [], "audiences of tokens for this API"),
        ("authorization-mode", ["AlwaysAllow"], f"in turn: {', '.join(MODES)}"),
        ("enable-admission-plugins", [], "admission plug-ins beside the default ones"),
        ("disable-admission-plugins", [], "default admission plug-ins to leave out"),
        ("requestheader-allowed-names", [], "common names of the front proxy; none means any"),
        ("requestheader-username-headers", ["X-Remote-User"], "headers for the user"),
        ("requestheader-group-headers", ["X-Remote-Group"], "headers for groups"),
        ("requestheader-extra-headers-prefix", ["X-Remote-Extra-"], "prefixes of headers for extra facts"),
        ("requestheader-uid-headers", [], "headers for the user's UID"),
    ):
        flags.add(name, comma_list, default, text)
    flags.add("etcd-prefix", str, "/registry", "where objects lie in etcd")
    flags.add("etcd-compaction-interval", duration, 300.0, "how much of etcd's history is kept; 0 keeps all")
    flags.add("bind-address", str, "0.0.0.0", "address to listen on")
    flags.add("secure-port", integer, 6443, "port to listen on")
    flags.add("cert-dir", str, "/var/run/kubernetes", "where a self-signed certificate is kept")
    flags.add("service-cluster-ip-range", network, ipaddress.IPv4Network("10.0.0.0/24"), "addresses of services")
    flags.add("service-node-port-range", port_range, (30000, 32767), "node ports of services")
    flags.add("anonymous-auth", boolean, True, "whether requests without credentials are system:anonymous")
    flags.add("default-not-ready-toleration-seconds", integer, 300, "how long pods bear a node that is not ready")
    flags.add("default-unreachable-toleration-seconds", integer, 300, "how long pods bear a node that is away")
    flags.add("max-requests-inflight", integer, 400, "reads answered at once")
    flags.add("max-mutating-requests-inflight", integer, 200, "writes answered at once")
    flags.add("min-request-timeout", integer, 1800, "seconds that a watch lasts at least")
    flags.add("audit-log-maxsize", integer, 100, "megabytes of an audit log before it is rotated")
    flags.add("audit-log-maxbackup", integer, 10, "rotated audit logs that are kept")
    flags.add("audit-log-maxage", integer, 0, "days that rotated audit logs are kept")
    flags.add("request-timeout", duration, 60.0, "how long an ordinary request may take")
    for name in WITHOUT_EFFECT:
        flags.add(name, boolean if name == "allow-privileged" else str, "", "taken, without effect")
    return flags


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server is made from; every file named in it exists."""

    etcd: Endpoint
    flags: Flags
    kubelets: KubeletAccess
    front_proxy: FrontProxy | None
    signing_key: Path | None
    verify_keys: tuple[Path, ...]


_FILES = (
    "etcd_cafile",
    "etcd_certfile",
    "etcd_keyfile",
    "tls_cert_file",
    "tls_private_key_file",
    "client_ca_file",
    "token_auth_file",
    "service_account_signing_key_file",
    "kubelet_client_certificate",
    "kubelet_client_key",
    "kubelet_certificate_authority",
    "requestheader_client_ca_file",
    "encryption_provider_config",
    "audit_policy_file",
)


def settings_of(flags: Flags) -> Settings:
    """Raises FlagError with everything that is wrong."""
    problems = []
    for name in _FILES:
        path = getattr(flags, name)
        if path and not Path(path).is_file():
            problems.append(f"--{name.replace('_', '-')}={path}: there is no such file")
    problems += [f"--service-account-key-file={p}: there is no such file" for p in flags.service_account_key_file if not Path(p).is_file()]
    problems += [f"--authorization-mode={m}: expected one of {', '.join(MODES)}" for m in flags.authorization_mode if m not in MODES]
    for pair in (("tls-cert-file", "tls-private-key-file"), ("etcd-certfile", "etcd-keyfile")):
        if bool(getattr(flags, pair[0].replace("-", "_"))) != bool(getattr(flags, pair[1].replace("-", "_"))):
            problems.append(f"--{pair[0]} and --{pair[1]} go together: give both or none")
    if flags.etcd_prefix.strip("/") != "registry":
        problems.append(f"--etcd-prefix={flags.etcd_prefix}: only /registry is supported; give each cluster an etcd of its own")
    schemes = {server.partition("://")[0] for server in flags.etcd_servers}
    if not flags.etcd_servers or schemes - {"http", "https"} or len(schemes) != 1:
        problems.append(f"--etcd-servers={','.join(flags.etcd_servers)}: expected http:// or https:// addresses, all alike")
    if problems:
        raise FlagError("\n".join(problems))
    front_proxy = None
    if flags.requestheader_client_ca_file:
        front_proxy = FrontProxy(
            frozenset(flags.requestheader_allowed_names),
            tuple(flags.requestheader_username_headers),
            tuple(flags.requestheader_group_headers),
            tuple(flags.requestheader_extra_headers_prefix),
            flags.requestheader_client_ca_file,
        )
    return Settings(
        Endpoint(tuple(flags.etcd_servers), flags.etcd_cafile, flags.etcd_certfile, flags.etcd_keyfile),
        flags,
        KubeletAccess(flags.kubelet_client_certificate, flags.kubelet_client_key, flags.kubelet_certificate_authority),
        front_proxy,
        Path(flags.service_account_signing_key_file) if flags.service_account_signing_key_file else None,
        tuple(Path(path) for path in flags.service_account_key_file),
    )

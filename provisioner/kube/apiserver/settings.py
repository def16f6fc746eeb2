"""What the flags amount to: every file read once, every problem told at once."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from provisioner.kube.api._generated.resources import Resource
from provisioner.kube.apiserver import egress, encryption_config, runtime_config
from provisioner.kube.apiserver.admission.settings import AdmissionSettings
from provisioner.kube.apiserver.admission.settings import settings_of as admission_settings
from provisioner.kube.apiserver.audit import policy as audit_policy
from provisioner.kube.apiserver.authentication.authn import FrontProxy
from provisioner.kube.apiserver.authentication.authn_config import AuthenticationConfiguration, configured
from provisioner.kube.apiserver.authorization.authz_config import Choice, choices
from provisioner.kube.apiserver.kubelet_proxy import KubeletAccess
from provisioner.kube.apiserver.tls import ciphers_of
from provisioner.kube.client.flags import FlagError, Flags
from provisioner.kube.client.kubeconfig import ClusterAccess, ConfigError, load_kubeconfig
from provisioner.kube.client.serving import pair_problem
from provisioner.kube.storage.encryption import Rule
from provisioner.kube.storage.etcd import Endpoint

_FILES = (
    "admission_control_config_file",
    "audit_policy_file",
    "audit_webhook_config_file",
    "egress_selector_config_file",
    "authentication_config",
    "authentication_token_webhook_config_file",
    "authorization_config",
    "authorization_webhook_config_file",
    "client_ca_file",
    "encryption_provider_config",
    "etcd_cafile",
    "etcd_certfile",
    "etcd_keyfile",
    "kubelet_certificate_authority",
    "kubelet_client_certificate",
    "kubelet_client_key",
    "oidc_ca_file",
    "proxy_client_cert_file",
    "proxy_client_key_file",
    "requestheader_client_ca_file",
    "service_account_signing_key_file",
    "tls_cert_file",
    "tls_private_key_file",
    "token_auth_file",
)
_PAIRS = (
    ("tls-cert-file", "tls-private-key-file"),
    ("etcd-certfile", "etcd-keyfile"),
    ("kubelet-client-certificate", "kubelet-client-key"),
    ("proxy-client-cert-file", "proxy-client-key-file"),
)
_AUTHORITIES = ("client-ca-file", "etcd-cafile", "kubelet-certificate-authority", "oidc-ca-file", "requestheader-client-ca-file")
# Upstream's bounds of --service-account-max-token-expiration.
_TOKEN_LIFE_S = (3600, 1 << 32)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server is made from; every file named in it exists."""

    etcd: Endpoint
    flags: Flags
    kubelets: KubeletAccess
    front_proxy: FrontProxy | None
    signing_key: Path | None
    verify_keys: tuple[Path, ...]
    authentication: AuthenticationConfiguration
    authorizers: tuple[Choice, ...]
    admission: AdmissionSettings
    audit: audit_policy.Policy | None
    audit_webhook: ClusterAccess | None
    token_webhook: ClusterAccess | None
    encryption: tuple[Rule, ...]
    served: Callable[[Resource], bool]


def settings_of(flags: Flags) -> Settings:
    """Raises FlagError with everything that is wrong."""
    problems = _flag_problems(flags) or _pem_problems(flags)
    if problems:
        raise FlagError("\n".join(problems))

    def read(make: Callable[[], Any]) -> Any:
        try:
            return make()
        except (ValueError, ConfigError, OSError) as error:
            problems.append(str(error))
            return None

    read(lambda: ciphers_of(flags.tls_cipher_suites))
    authentication = read(lambda: configured(flags))
    authorizers = read(lambda: tuple(choices(flags)))
    admission = read(lambda: admission_settings(flags))
    is_served = read(lambda: runtime_config.served(flags.runtime_config))
    audit = read(lambda: audit_policy.load(flags.audit_policy_file)) if flags.audit_policy_file else None
    encryption = read(lambda: encryption_config.load(flags.encryption_provider_config)) if flags.encryption_provider_config else ()
    read(lambda: egress.check(flags.egress_selector_config_file))
    audit_webhook, token_webhook = (
        read(partial(load_kubeconfig, Path(path))) if path else None
        for path in (flags.audit_webhook_config_file, flags.authentication_token_webhook_config_file)
    )
    if problems:
        raise FlagError("\n".join(problems))
    return Settings(
        Endpoint(tuple(flags.etcd_servers), flags.etcd_cafile, flags.etcd_certfile, flags.etcd_keyfile),
        flags,
        KubeletAccess(flags.kubelet_client_certificate, flags.kubelet_client_key, flags.kubelet_certificate_authority),
        _front_proxy(flags),
        Path(flags.service_account_signing_key_file) if flags.service_account_signing_key_file else None,
        tuple(Path(path) for path in flags.service_account_key_file),
        authentication,
        authorizers,
        admission,
        audit,
        audit_webhook,
        token_webhook,
        tuple(encryption),
        is_served,
    )


def _flag_problems(flags: Flags) -> list[str]:
    problems = []
    for name in _FILES:
        path = getattr(flags, name)
        if path and not Path(path).is_file():
            problems.append(f"--{name.replace('_', '-')}={path}: there is no such file")
    problems += [
        f"--tls-sni-cert-key={path}: there is no such file"
        for pair in flags.tls_sni_cert_key
        for path in (pair.cert, pair.key)
        if not Path(path).is_file()
    ]
    problems += [f"--service-account-key-file={p}: there is no such file" for p in flags.service_account_key_file if not Path(p).is_file()]
    for pair in _PAIRS:
        if bool(getattr(flags, pair[0].replace("-", "_"))) != bool(getattr(flags, pair[1].replace("-", "_"))):
            problems.append(f"--{pair[0]} and --{pair[1]} go together: give both or none")
    if not flags.etcd_prefix.strip("/"):
        problems.append(f"--etcd-prefix={flags.etcd_prefix}: expected a path like /registry")
    schemes = {server.partition("://")[0] for server in flags.etcd_servers}
    if not flags.etcd_servers or schemes - {"http", "https"} or len(schemes) != 1:
        problems.append(f"--etcd-servers={','.join(flags.etcd_servers)}: expected http:// or https:// addresses, all alike")
    if bool(flags.audit_log_path or flags.audit_webhook_config_file) != bool(flags.audit_policy_file):
        problems.append("--audit-policy-file goes together with --audit-log-path or --audit-webhook-config-file: give both or none")
    if not flags.service_account_issuer or not all(flags.service_account_issuer):
        problems.append("--service-account-issuer: at least one is needed")
    life_s = flags.service_account_max_token_expiration
    if life_s and not _TOKEN_LIFE_S[0] <= life_s <= _TOKEN_LIFE_S[1]:
        problems.append(f"--service-account-max-token-expiration={life_s:.0f}s: expected 1h at least, {_TOKEN_LIFE_S[1]}s at most")
    for name in ("max_requests_inflight", "max_mutating_requests_inflight", "audit_log_maxsize", "audit_log_maxage", "audit_log_maxbackup"):
        if getattr(flags, name) < 0:
            problems.append(f"--{name.replace('_', '-')}={getattr(flags, name)}: can't be negative")
    if flags.event_ttl < 1 or flags.min_request_timeout < 1:
        problems.append("--event-ttl and --min-request-timeout: expected one second at least")
    if flags.max_requests_inflight + flags.max_mutating_requests_inflight == 0:
        problems.append("--max-requests-inflight and --max-mutating-requests-inflight: one of them must be more than 0")
    return problems


def _pem_problems(flags: Flags) -> list[str]:
    """Of certificates and keys, which are there."""
    problems = []
    for name in _AUTHORITIES:
        path = getattr(flags, name.replace("-", "_"))
        try:
            if path:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except OSError:
            problems.append(f"--{name}={path}: expected certificates as PEM")
    for cert, key in _PAIRS:
        files = [getattr(flags, name.replace("-", "_")) for name in (cert, key)]
        if all(files) and (wrong := pair_problem(*files)):
            problems.append(f"--{cert}={files[0]} and --{key}={files[1]}: {wrong}")
    for pair in flags.tls_sni_cert_key:
        if wrong := pair_problem(pair.cert, pair.key):
            problems.append(f"--tls-sni-cert-key={pair.cert},{pair.key}: {wrong}")
    return problems


def _front_proxy(flags: Flags) -> FrontProxy | None:
    if not flags.requestheader_client_ca_file:
        return None
    return FrontProxy(
        frozenset(flags.requestheader_allowed_names),
        tuple(flags.requestheader_username_headers),
        tuple(flags.requestheader_group_headers),
        tuple(flags.requestheader_extra_headers_prefix),
        flags.requestheader_client_ca_file,
        tuple(flags.requestheader_uid_headers),
    )

"""Authenticators, authorizers and the audit log, made from the settings."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from provisioner.kube.apiserver.audit.events import Audit
from provisioner.kube.apiserver.audit.log_file import MEGABYTE, LogFile, Rotation
from provisioner.kube.apiserver.audit.truncation import Backend, Truncating
from provisioner.kube.apiserver.audit.webhook import Batching, Blocking, Webhook
from provisioner.kube.apiserver.authentication.authn import Authenticator, CertificateAuthorities, read_token_file
from provisioner.kube.apiserver.authentication.bootstrap_tokens import BootstrapTokens
from provisioner.kube.apiserver.authentication.oidc import OidcIssuer
from provisioner.kube.apiserver.authentication.token_webhook import TokenWebhook
from provisioner.kube.apiserver.authentication.tokens import MAX_S, Exists, ServiceAccountTokens
from provisioner.kube.apiserver.authorization.authz import AlwaysAllow, AlwaysDeny, Mode
from provisioner.kube.apiserver.authorization.authz_config import Choice
from provisioner.kube.apiserver.authorization.authz_webhook import WebhookAuthorizer
from provisioner.kube.apiserver.authorization.node_authorizer import NodeAuthorizer
from provisioner.kube.apiserver.authorization.rbac import Rbac
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.settings import Settings
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.flags import Flags
from provisioner.kube.storage.cache import WatchCache

log = logging.getLogger(__name__)


def service_account_tokens(settings: Settings, clock: Clock, exists: Exists) -> ServiceAccountTokens:
    """Without any key one is made in --cert-dir, or for this run only where that can't be written."""
    flags = settings.flags
    signing, verifying = settings.signing_key, settings.verify_keys
    made = b""
    if signing is None and not verifying:
        signing, made = _own_key(Path(flags.cert_dir) / "service-account.key")
    return ServiceAccountTokens(
        flags.service_account_issuer,
        flags.api_audiences,
        signing,
        verifying,
        clock,
        exists if flags.service_account_lookup else lambda *_: True,
        max_s=int(flags.service_account_max_token_expiration) or MAX_S,
        made_key=made,
        extends=flags.service_account_extend_token_expiration,
    )


def _own_key(path: Path) -> tuple[Path | None, bytes]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if path.is_file():
        return path, b""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(0o600)
        path.write_bytes(pem)
    except OSError as error:
        log.warning("signing key of service-account tokens can't be kept, it lasts for this run only path=%s: %s", path, error)
        return None, pem
    return path, b""


def authenticator(settings: Settings, cache: WatchCache, clock: Clock, tokens: ServiceAccountTokens) -> Authenticator:
    flags, config = settings.flags, settings.authentication
    anonymous = config.anonymous
    return Authenticator(
        tokens,
        read_token_file(Path(flags.token_auth_file)) if flags.token_auth_file else {},
        anonymous is not None and anonymous.enabled,
        CertificateAuthorities(flags.client_ca_file, settings.front_proxy),
        frozenset(condition.path for condition in anonymous.conditions) if anonymous is not None else frozenset(),
        BootstrapTokens(cache, clock) if flags.enable_bootstrap_token_auth else None,
        [OidcIssuer(jwt, config.algorithms, clock) for jwt in config.jwt],
        TokenWebhook(settings.token_webhook, tokens.audiences, flags.authentication_token_webhook_version)
        if settings.token_webhook is not None
        else None,
        flags.authentication_token_webhook_cache_ttl,
    )


class Modes:
    """Makes the authorizers that a configuration names. Those that know the answer themselves are made once."""

    def __init__(self, cache: WatchCache, clock: Clock, rbac: Rbac) -> None:
        self._cache, self._clock = cache, clock
        self._local: dict[str, Mode] = {"RBAC": rbac, "AlwaysAllow": AlwaysAllow(), "AlwaysDeny": AlwaysDeny()}
        self._webhooks: list[WebhookAuthorizer] = []
        self._replaced: list[WebhookAuthorizer] = []

    def of(self, choices: Iterable[Choice]) -> list[Mode]:
        """In turn. Webhooks that were made before are closed by `close_replaced`: requests may be asking them still."""
        self._replaced += self._webhooks
        self._webhooks = []
        modes: list[Mode] = []
        for choice in choices:
            if choice.access is not None:
                self._webhooks.append(WebhookAuthorizer(choice.name, choice.access, choice.options, self._clock))
                modes.append(self._webhooks[-1])
                continue
            if choice.mode == "Node" and "Node" not in self._local:
                self._local["Node"] = NodeAuthorizer(self._cache)
            modes.append(self._local[choice.mode])
        return modes

    async def close_replaced(self) -> None:
        replaced, self._replaced = self._replaced, []
        for webhook in replaced:
            await webhook.close()

    async def close(self) -> None:
        self.of(())
        await self.close_replaced()


def audit(settings: Settings, clock: Clock, metrics: Metrics) -> Audit | None:
    """None where nothing is logged. Raises OSError for a file that can't be written."""
    flags = settings.flags
    if settings.audit is None:
        return None
    backends: list[Backend] = []
    strict: list[Backend] = []
    if flags.audit_log_path:
        rotation = Rotation(flags.audit_log_maxsize * MEGABYTE, flags.audit_log_maxage, flags.audit_log_maxbackup, flags.audit_log_compress)
        backends.append(_limited(flags, "log", LogFile(flags.audit_log_path, rotation, clock.now)))
        strict += backends if flags.audit_log_mode == "blocking-strict" else []
    if settings.audit_webhook is not None and flags.audit_webhook_mode != "batch":
        backends.append(_limited(flags, "webhook", Blocking(settings.audit_webhook, flags.audit_webhook_initial_backoff)))
        strict += backends[-1:] if flags.audit_webhook_mode == "blocking-strict" else []
    elif settings.audit_webhook is not None:
        batching = Batching(
            flags.audit_webhook_batch_buffer_size,
            flags.audit_webhook_batch_max_size,
            flags.audit_webhook_batch_max_wait,
            flags.audit_webhook_initial_backoff,
            flags.audit_webhook_truncate_max_batch_size if flags.audit_webhook_truncate_enabled else 0,
            float(flags.audit_webhook_batch_throttle_qps) if flags.audit_webhook_batch_throttle_enable else None,
            flags.audit_webhook_batch_throttle_burst,
        )
        backends.append(_limited(flags, "webhook", Webhook(settings.audit_webhook, batching)))
    return Audit(settings.audit, backends, clock.now, metrics, strict)


def _limited(flags: Flags, name: str, backend: Backend) -> Backend:
    if not getattr(flags, f"audit_{name}_truncate_enabled"):
        return backend
    return Truncating(backend, getattr(flags, f"audit_{name}_truncate_max_event_size"))

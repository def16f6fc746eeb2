"""Bootstrap tokens: `id.secret`, kept in Secrets kube-system/bootstrap-token-<id>, let a machine ask for its first certificate.

Source: "Authenticating with Bootstrap Tokens": type bootstrap.kubernetes.io/token, usage-bootstrap-authentication "true", an expiration that
has not passed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import Any

import msgspec

from provisioner.kube.api.meta import parse_time
from provisioner.kube.apiserver.context import User
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import WatchCache

TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
TYPE = "bootstrap.kubernetes.io/token"
GROUP = "system:bootstrappers"
EXTRA_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokens:
    def __init__(self, cache: WatchCache, clock: Clock) -> None:
        self._cache, self._clock = cache, clock

    def user_of(self, token: str) -> User | None:
        """None for what is no valid bootstrap token."""
        found = TOKEN.fullmatch(token)
        if found is None:
            return None
        entry = self._cache.collection("core/secrets").entries.get(f"kube-system/bootstrap-token-{found[1]}")
        if entry is None:
            return None
        secret = msgspec.json.decode(entry.data)
        data = {key: _text(value) for key, value in (secret.get("data") or {}).items()}
        if secret.get("type") != TYPE or secret["metadata"].get("deletionTimestamp"):
            return None
        if data.get("token-id") != found[1] or not hmac.compare_digest(data.get("token-secret", "").encode(), found[2].encode()):
            return None
        if data.get("usage-bootstrap-authentication") != "true" or self._expired(data.get("expiration", "")):
            return None
        extra = [group.strip() for group in data.get("auth-extra-groups", "").split(",") if group.strip()]
        if not all(EXTRA_GROUP.fullmatch(group) for group in extra):
            return None
        return User(f"system:bootstrap:{found[1]}", (GROUP, *sorted(set(extra)), "system:authenticated"))

    def _expired(self, text: str) -> bool:
        """Whether the time has passed; one that can't be read has."""
        if not text:
            return False
        try:
            when = parse_time(text)
        except ValueError:
            return True
        return when is None or when <= self._clock.now()


def _text(value: Any) -> str:
    try:
        return base64.b64decode(str(value)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""

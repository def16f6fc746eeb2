"""Bootstrap tokens: those that are over are removed; kube-public/cluster-info is signed with those that may sign it, so that whoever has
such a token can tell the true cluster-info from a false one. Source: the Kubernetes documentation of bootstrap tokens; RFC 7515 (JWS).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.meta import parse_time
from provisioner.kube.client.informer import key_of
from provisioner.kube.controllers.controller import Controller, Parts

TYPE = "bootstrap.kubernetes.io/token"
PREFIX = "bootstrap-token-"
INFO = "kube-public/cluster-info"
SIGNATURE = "jws-kubeconfig-"


def value(secret: core_v1.Secret, name: str) -> str:
    """A key of the secret's data, as text."""
    return base64.b64decode((secret.data or {}).get(name, "")).decode(errors="replace")


def left_s(secret: core_v1.Secret, now: datetime) -> float | None:
    """Seconds until the token is over; None for one that never is. One whose expiration can't be read is over."""
    text = value(secret, "expiration")
    if not text:
        return None
    try:
        moment = parse_time(text)
    except ValueError:
        return 0.0
    return (moment - now).total_seconds() if moment is not None else None


def signing_token(secret: core_v1.Secret, now: datetime) -> tuple[str, str] | None:
    """(id, secret) of a token that may sign."""
    id_, text = value(secret, "token-id"), value(secret, "token-secret")
    if not id_ or not text or secret.metadata.name != PREFIX + id_ or value(secret, "usage-bootstrap-signing") != "true":
        return None
    left = left_s(secret, now)
    return (id_, text) if left is None or left > 0 else None


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signature(content: str, id_: str, secret: str) -> str:
    """A detached JWS (HS256) of the content: header, nothing, signature."""
    header = _b64(msgspec.json.encode({"alg": "HS256", "kid": id_}))
    mac = hmac.new(f"{id_}.{secret}".encode(), f"{header}.{_b64(content.encode())}".encode(), hashlib.sha256)
    return f"{header}..{_b64(mac.digest())}"


def _tokens(controller: Controller) -> Any:
    return controller.watch_own(core_v1.Secret, namespace="kube-system", field_selector=f"type={TYPE}")


class TokenCleaner(Controller):
    name = "token-cleaner"
    workers = 1

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._secrets = _tokens(self)
        self._secrets.on_change(self.enqueue)

    async def reconcile(self, key: str) -> float | None:
        secret = self._secrets.store.get(key)
        if secret is None:
            return None
        left = left_s(secret, self.clock.now())
        if left is None or left > 0:
            return left
        await self.remove(secret)
        return None


class BootstrapSigner(Controller):
    name = "bootstrap-signer"
    workers = 1

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._maps = self.informers.get(core_v1.ConfigMap)
        self._maps.on_change(self._changed)
        self._secrets = _tokens(self)
        self._secrets.on_change(lambda _: self.queue.add(INFO))

    def _changed(self, found: core_v1.ConfigMap) -> None:
        if key_of(found) == INFO:
            self.queue.add(INFO)

    async def reconcile(self, key: str) -> float | None:
        info = self._maps.store.get(key)
        content = (info.data or {}).get("kubeconfig") if info is not None else None
        if info is None or not content or not self._secrets.synced.is_set():
            return None
        now = self.clock.now()
        tokens = [token for secret in self._secrets.store.list() if (token := signing_token(secret, now)) is not None]
        signed = {SIGNATURE + id_: signature(content, id_, text) for id_, text in tokens}
        data = {k: v for k, v in (info.data or {}).items() if not k.startswith(SIGNATURE)} | signed
        if data != info.data:
            await self.client.update(msgspec.structs.replace(info, data=data))
        return None

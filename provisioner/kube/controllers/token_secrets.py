"""Secrets of type kubernetes.io/service-account-token: each gets a token of the service account that its annotation names.

The token is asked of the API server (TokenRequest), bound to the secret: it lives as long as both are there. A secret whose account is
gone goes too. Source: "Manually create a long-lived API token for a ServiceAccount".
"""

from __future__ import annotations

import base64

import msgspec

from provisioner.kube.api._generated import authentication_v1, core_v1
from provisioner.kube.client.informer import key_of
from provisioner.kube.controllers.controller import Controller, Parts

TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME, ACCOUNT_UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
# Ten years; the API server has the last word.
LIFE_S = 10 * 365 * 24 * 3600


def account_key(secret: core_v1.Secret) -> str:
    """namespace/name of the account that a token secret is for, "" for none."""
    name = (secret.metadata.annotations or {}).get(ACCOUNT_NAME)
    return f"{secret.metadata.namespace}/{name}" if name else ""


def is_orphan(secret: core_v1.Secret, account: core_v1.ServiceAccount | None) -> bool:
    """Whether the account that it was made for is gone, or is another one of that name."""
    uid = (secret.metadata.annotations or {}).get(ACCOUNT_UID)
    if account is None:
        return uid is not None
    return uid not in (None, account.metadata.uid)


def filled(secret: core_v1.Secret, account: core_v1.ServiceAccount, token: str, ca: str) -> core_v1.Secret:
    """The secret with all that it is to have; `token` "" where it has one."""
    texts = {"namespace": secret.metadata.namespace or "", **({"ca.crt": ca} if ca else {}), **({"token": token} if token else {})}
    data = {**(secret.data or {}), **{key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}}
    annotations = {**(secret.metadata.annotations or {}), ACCOUNT_UID: account.metadata.uid or ""}
    return msgspec.structs.replace(secret, metadata=msgspec.structs.replace(secret.metadata, annotations=annotations), data=data)


class TokenSecrets(Controller):
    name = "serviceaccount-token"

    def __init__(self, parts: Parts, ca: str) -> None:
        super().__init__(parts)
        self._ca = ca
        self._secrets = self.watch_own(core_v1.Secret, field_selector=f"type={TYPE}")
        self._secrets.on_change(self.enqueue)
        self._accounts = self.informers.get(core_v1.ServiceAccount)
        self._accounts.on_change(self._account_changed)
        self._accounts.add_handler(on_delete=self._account_changed)

    def _account_changed(self, account: core_v1.ServiceAccount) -> None:
        for secret in self._secrets.store.list():
            if account_key(secret) == key_of(account):
                self.enqueue(secret)

    async def reconcile(self, key: str) -> float | None:
        secret: core_v1.Secret | None = self._secrets.store.get(key)
        if secret is None or not account_key(secret) or secret.metadata.deletion_timestamp is not None:
            return None
        account: core_v1.ServiceAccount | None = self._accounts.store.get(account_key(secret))
        if is_orphan(secret, account):
            await self.remove(secret)
            return None
        if account is None:
            return None
        token = "" if (secret.data or {}).get("token") else await self._token(secret, account)
        wanted = filled(secret, account, token, self._ca)
        if wanted != secret:
            await self.client.update(wanted)
        return None

    async def _token(self, secret: core_v1.Secret, account: core_v1.ServiceAccount) -> str:
        about = authentication_v1.BoundObjectReference(api_version="v1", kind="Secret", name=secret.metadata.name, uid=secret.metadata.uid)
        spec = authentication_v1.TokenRequestSpec(audiences=[], expiration_seconds=LIFE_S, bound_object_ref=about)
        name, namespace = account.metadata.name or "", account.metadata.namespace
        body = await self.client.create_subresource(
            core_v1.ServiceAccount, name, namespace, "token", authentication_v1.TokenRequest(spec=spec)
        )
        answer = msgspec.json.decode(body, type=authentication_v1.TokenRequest)
        return (answer.status.token if answer.status is not None else None) or ""

"""--use-service-account-credentials: each controller acts as its own service account in kube-system, whose role says what it may do.

The accounts are made where they are missing, and their tokens are asked of the API server (TokenRequest), with the controller manager's own
credentials. One connection pool, which has no client certificate, serves all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
import msgspec

from provisioner.kube.api._generated import authentication_v1, core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import parse_time
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import Clock

NAMESPACE = "kube-system"
# As upstream: tokens of an hour, renewed when a fifth of it is left.
LIFE_S = 3600
LEFT = 0.2


class Accounts:
    def __init__(self, owner: Client, clock: Clock) -> None:
        """`owner` is the controller manager itself."""
        self.owner, self.clock = owner, clock
        access = replace(owner.access, cert_data=None, key_data=None, token=None, token_file=None)
        self.bare = Client(access, user_agent=owner.user_agent, max_connections=100)
        self._clients: dict[str, AccountClient] = {}

    def client(self, name: str) -> Client:
        """The one that acts as this account."""
        if name not in self._clients:
            self._clients[name] = AccountClient(self, name)
        return self._clients[name]

    async def close(self) -> None:
        await self.bare.close()


class AccountClient(Client):
    def __init__(self, accounts: Accounts, name: str) -> None:
        super().__init__(accounts.bare.access, user_agent=accounts.owner.user_agent)
        self._accounts, self._account = accounts, name
        self._bearer = ""
        self._renew_at: datetime | None = None
        self._renewing = asyncio.Lock()

    @property
    def session(self) -> aiohttp.ClientSession:
        return self._accounts.bare.session

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._bearer}"}

    async def raw(self, method: str, path: str, **options: Any) -> bytes:
        await self._renew()
        try:
            return await super().raw(method, path, **options)
        except StatusError as error:
            if error.code != 401:
                raise
        # The account was deleted, or the signing key is another one: its next token is good.
        self._renew_at = None
        await self._renew()
        return await super().raw(method, path, **options)

    async def lines(self, path: str, **options: Any) -> AsyncIterator[bytes]:
        await self._renew()
        async for line in super().lines(path, **options):
            yield line

    async def _renew(self) -> None:
        async with self._renewing:
            now = self._accounts.clock.now()
            if self._renew_at is not None and now < self._renew_at:
                return
            try:
                status = await self._ask()
            except StatusError as error:
                if error.code != 404:
                    raise
                await self._make()
                status = await self._ask()
            ends = parse_time(status.expiration_timestamp)
            self._bearer = status.token or ""
            self._renew_at = ends - (ends - now) * LEFT if ends is not None else now

    async def _ask(self) -> authentication_v1.TokenRequestStatus:
        spec = authentication_v1.TokenRequestSpec(audiences=[], expiration_seconds=LIFE_S)
        body = authentication_v1.TokenRequest(spec=spec)
        answer = await self._accounts.owner.create_subresource(core_v1.ServiceAccount, self._account, NAMESPACE, "token", body)
        return msgspec.json.decode(answer, type=authentication_v1.TokenRequest).status

    async def _make(self) -> None:
        account = core_v1.ServiceAccount(metadata=meta_v1.ObjectMeta(name=self._account, namespace=NAMESPACE))
        try:
            await self._accounts.owner.create(account)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise

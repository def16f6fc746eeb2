"""Proves that a controller acts as its own service account: made when missing, its token renewed in time and after a refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import authentication_v1, core_v1
from provisioner.kube.api.errors import StatusError, not_found
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.kubeconfig import ClusterAccess
from provisioner.kube.controllers.accounts import LIFE_S, Accounts
from provisioner.kube.controllers.factories import FACTORIES, account_of


class Owner(Client):
    """The API server as the controller manager itself sees it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(ClusterAccess("https://api", cert_data=b"cert", key_data=b"key", token="own"))
        self.clock, self.made, self.tokens = clock, list[str](), 0

    async def create(self, obj: Any, **_: Any) -> Any:
        self.made.append(f"{obj.metadata.namespace}/{obj.metadata.name}")
        return obj

    async def create_subresource(self, kind: Any, name: str, namespace: str | None, subresource: str, body: Any) -> bytes:
        assert (kind, subresource) == (core_v1.ServiceAccount, "token")
        if f"{namespace}/{name}" not in self.made:
            raise not_found("serviceaccounts", name)
        self.tokens += 1
        ends = rfc3339(self.clock.now() + timedelta(seconds=body.spec.expiration_seconds))
        status = authentication_v1.TokenRequestStatus(token=f"token-{self.tokens}", expiration_timestamp=ends)
        return msgspec.json.encode(authentication_v1.TokenRequest(status=status))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The headers of each request that reaches the server; `refuse` in the path is answered 401."""
    seen: list[dict[str, str]] = []

    async def once(self: Client, method: str, path: str, params: Any, body: Any, headers: dict[str, str], timeout_s: float) -> bytes:
        seen.append(headers)
        if path == "/refuse" and headers["Authorization"] == "Bearer token-1":
            raise StatusError(401, "Unauthorized", "Unauthorized")
        return b"{}"

    monkeypatch.setattr(Client, "_once", once)
    return seen


async def test_the_account_is_made_and_its_token_sent(asked: list[dict[str, str]]) -> None:
    clock = FakeClock()
    owner = Owner(clock)
    accounts = Accounts(owner, clock)
    assert accounts.bare.access == ClusterAccess("https://api")
    client = accounts.client("job-controller")
    assert accounts.client("job-controller") is client
    await client.raw("GET", "/x")
    await client.raw("GET", "/x")
    assert owner.made == ["kube-system/job-controller"]
    assert [headers["Authorization"] for headers in asked] == ["Bearer token-1", "Bearer token-1"]
    await clock.advance(LIFE_S * 0.79)
    await client.raw("GET", "/x")
    await clock.advance(LIFE_S * 0.02)
    await client.raw("GET", "/x")
    assert [headers["Authorization"] for headers in asked[2:]] == ["Bearer token-1", "Bearer token-2"]


async def test_a_refused_token_is_renewed_once(asked: list[dict[str, str]]) -> None:
    clock = FakeClock()
    client = Accounts(Owner(clock), clock).client("job-controller")
    await client.raw("GET", "/refuse")
    assert [headers["Authorization"] for headers in asked] == ["Bearer token-1", "Bearer token-2"]


def test_every_account_has_a_role() -> None:
    from provisioner.kube.apiserver.bootstrap import bootstrap_roles

    bound = {subject["name"] for binding in bootstrap_roles.cluster_role_bindings() for subject in binding["subjects"]}
    bound |= {subject["name"] for binding in bootstrap_roles.role_bindings() for subject in binding["subjects"]}
    without = {account_of(name) for name in FACTORIES} - bound
    # It acts as the controller manager itself.
    assert without == {"serviceaccount-token-controller"}

"""Proves that a pod waits a moment for the account that a controller is just making, and for no other."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.admission.pods import ServiceAccount
from provisioner.kube.apiserver.context import LOOPBACK, Call
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.storage.cache import Collection, Entry

CALL = Call(LOOPBACK, Target("create", "/", "", "v1", "pods", "ns"))
KIND: Any = SimpleNamespace(resource=SimpleNamespace(kind="Pod", group=""))


class Cache:
    """The account `name` is there at the `after`-th look."""

    def __init__(self, name: str, after: int) -> None:
        self.accounts, self.looks, self._name, self._after = Collection(), 0, name, after

    def collection(self, _: str) -> Collection:
        return self.accounts

    async def fresh(self) -> None:
        self.looks += 1
        if self.looks == self._after:
            self.accounts.entries[f"ns/{self._name}"] = Entry(f"ns/{self._name}", 1, b'{"metadata":{"name":"x"}}', {}, {})


def pod(account: str | None = None) -> core_v1.Pod:
    return core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p"), spec=core_v1.PodSpec(service_account_name=account, containers=[]))


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float) -> None: ...

    monkeypatch.setattr(asyncio, "sleep", at_once)


@pytest.mark.parametrize(
    ("account", "after", "looks", "is_admitted"), [(None, 1, 1, True), (None, 4, 4, True), (None, 99, 10, False), ("other", 2, 1, False)]
)
async def test_the_default_account_is_waited_for(account: str | None, after: int, looks: int, is_admitted: bool) -> None:
    cache = Cache(account or "default", after)
    plugin, new = ServiceAccount(cache), pod(account)  # type: ignore[arg-type]
    if is_admitted:
        await plugin.mutate(CALL, KIND, new, None)
        assert new.spec.service_account_name == "default"
    else:
        with pytest.raises(StatusError, match="not found") as refused:
            await plugin.mutate(CALL, KIND, new, None)
        assert refused.value.code == 403
    assert cache.looks == looks

"""Proves that reads are shared and kept for a while, that what is missing is asked for again, and that tokens are renewed in time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.api.errors import not_found
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.kubelet.volume.objects import MAX_AGE_S, ApiObjects


class FakeClient:
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.there = True
        self.reads = self.tokens = 0

    async def get(self, kind: Any, name: str, namespace: str | None) -> Any:
        self.reads += 1
        await asyncio.sleep(0)
        if not self.there:
            raise not_found("configmaps", name)
        return core_v1.ConfigMap(data={"n": str(self.reads)})

    async def create_subresource(self, kind: Any, name: str, namespace: str, subresource: str, body: Any) -> bytes:
        self.tokens += 1
        assert (name, subresource, body.spec.bound_object_ref.uid) == ("default", "token", "u")
        expires = self.clock.now() + timedelta(seconds=body.spec.expiration_seconds)
        return msgspec.json.encode({"status": {"token": f"t{self.tokens}", "expirationTimestamp": expires.isoformat()}})


async def test_one_read_for_many_and_another_when_it_is_old() -> None:
    clock = FakeClock()
    client = FakeClient(clock)
    objects = ApiObjects(client, clock)  # type: ignore[arg-type]
    await asyncio.gather(*(objects.config_map("d", "x") for _ in range(5)))
    assert client.reads == 1
    await clock.advance(MAX_AGE_S + 1)
    found = await objects.config_map("d", "x")
    assert client.reads == 2 and found is not None and found.data == {"n": "2"}


async def test_what_is_missing_is_looked_for_each_time() -> None:
    clock = FakeClock()
    client = FakeClient(clock)
    client.there = False
    objects = ApiObjects(client, clock)  # type: ignore[arg-type]
    assert await objects.config_map("d", "x") is None
    client.there = True
    assert await objects.config_map("d", "x") is not None


async def test_tokens_are_renewed_before_they_expire() -> None:
    clock = FakeClock()
    client = FakeClient(clock)
    objects = ApiObjects(client, clock)  # type: ignore[arg-type]
    pod = core_v1.Pod(metadata=meta_v1.ObjectMeta(name="p", namespace="d", uid="u"))
    assert [await objects.token(pod, "", 1000), await objects.token(pod, "", 1000)] == ["t1", "t1"]
    await clock.advance(799)
    assert await objects.token(pod, "", 1000) == "t1"
    await clock.advance(2)
    assert await objects.token(pod, "", 1000) == "t2"
    objects.forget_pod("u")
    assert await objects.token(pod, "", 1000) == "t3"

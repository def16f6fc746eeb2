"""Proves that a pod waits until its claims are bound, and that volumes are spoken for meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.client import Client
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.informer import Store
from provisioner.kube.scheduler.binding import BIND_S, Binder
from provisioner.kube.scheduler.volumes import Choice
from tests.unit.kube.scheduler.test_volumes import claim, volume


class _Client:
    def __init__(self) -> None:
        self.patches: list[tuple[str, str, Any]] = []

    async def patch(self, kind: type[Any], name: str, namespace: str | None = None, *, body: Any) -> None:
        self.patches.append((kind.KIND, name, body))


async def test_reserved_asked_for_and_waited_for() -> None:
    client, clock = _Client(), FakeClock()
    claims: Store[core_v1.PersistentVolumeClaim] = Store({})
    binder = Binder(cast(Client, client), claims, clock)
    choices = [Choice(claim("a"), volume("v")), Choice(claim("b", "made"), None)]
    binder.take(choices)
    assert binder.taken == {"v"}
    task = asyncio.ensure_future(binder.bind(choices, "node-1"))
    await clock.advance(1)
    assert not task.done()
    (_, first, reserved), (_, second, asked) = client.patches
    assert (first, reserved["spec"]["claimRef"]["name"]) == ("v", "a")
    assert (second, asked["metadata"]["annotations"]) == ("b", {"volume.kubernetes.io/selected-node": "node-1"})
    for name in ("a", "b"):
        claims.put(f"ns/{name}", claim(name, bound="some"))
    await clock.advance(3)
    await task
    binder.release(choices)
    assert binder.taken == set()


async def test_a_claim_that_nobody_binds_gives_up_at_last() -> None:
    clock = FakeClock()
    unbound = claim("a", "made")
    claims: Store[core_v1.PersistentVolumeClaim] = Store({})
    claims.put("ns/a", msgspec.structs.replace(unbound))
    task = asyncio.ensure_future(Binder(cast(Client, _Client()), claims, clock).bind([Choice(unbound, None)], "n"))
    await clock.advance(BIND_S + 5)
    with pytest.raises(TimeoutError, match="claim a was not bound"):
        await task

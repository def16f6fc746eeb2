"""Proves that events beyond a limit are refused, for whom the limit is, until time has passed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.codec import decode_dict
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.admission.event_limits import EventLimit, EventRateLimit
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.client.clock import FakeClock

EVENTS: Any = SimpleNamespace(stored_as="core/events")


def event(about: str = "p") -> core_v1.Event:
    found: core_v1.Event = decode_dict(core_v1.Event, {"metadata": {"name": "e"}, "involvedObject": {"name": about}})
    return found


def call(user: str = "u", namespace: str = "n", *, dry_run: bool = False) -> Call:
    return Call(User(user), Target("create", "", "", "v1", "events", namespace), dry_run=dry_run)


async def refused(plugin: EventRateLimit, asked: Call, about: str = "p") -> bool:
    try:
        await plugin.validate(asked, EVENTS, event(about), None)
    except StatusError as error:
        assert error.code == 429
        return True
    return False


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        ("Server", []),
        ("Namespace", [(call(namespace="m"), "p")]),
        ("User", [(call(user="v"), "p")]),
        ("SourceAndObject", [(call(), "q")]),
    ],
)
async def test_each_key_has_its_own_bucket(kind: Any, others: list[tuple[Call, str]]) -> None:
    clock = FakeClock()
    plugin = EventRateLimit((EventLimit(type=kind, qps=1, burst=2),), clock)
    assert [await refused(plugin, call()) for _ in range(3)] == [False, False, True]
    assert not any([await refused(plugin, *other) for other in others])
    await clock.advance(1.0)
    assert [await refused(plugin, call()) for _ in range(2)] == [False, True]


async def test_dry_runs_and_other_kinds_are_free() -> None:
    plugin = EventRateLimit((EventLimit(type="Server", qps=1, burst=1),), FakeClock())
    assert not any([await refused(plugin, call(dry_run=True)) for _ in range(3)])
    await plugin.validate(call(), SimpleNamespace(stored_as="core/pods"), event(), None)  # type: ignore[arg-type]
    assert not await refused(plugin, call())


async def test_only_the_last_keys_are_remembered() -> None:
    plugin = EventRateLimit((EventLimit(type="User", qps=1, burst=1, cache_size=1),), FakeClock())
    assert not await refused(plugin, call("a"))
    assert not await refused(plugin, call("b"))
    assert not await refused(plugin, call("a"))

"""Proves leader election on a turned clock: first come, takeover only after the lease's time, loss when it can't be renewed."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from provisioner.kube.api._generated import coordination_v1
from provisioner.kube.api.errors import StatusError, conflict, not_found
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.leader import LeaderElector
from provisioner.kube.client.tasks import spawn, stop

Lease = coordination_v1.Lease


class Leases:
    """One lease with the server's rule: an update needs the version that is there."""

    def __init__(self) -> None:
        self.lease: Any = None
        self.version = 0
        self.down = False

    def _check(self) -> None:
        if self.down:
            raise ConnectionFailed("down")

    async def get(self, *_: Any) -> Lease:
        self._check()
        if self.lease is None:
            raise not_found("leases", "l")
        return msgspec.json.decode(msgspec.json.encode(self.lease), type=Lease)

    async def create(self, lease: Lease) -> Lease:
        self._check()
        if self.lease is not None:
            raise StatusError(409, "AlreadyExists", "there")
        return await self._keep(lease)

    async def update(self, lease: Lease) -> Lease:
        self._check()
        if lease.metadata.resource_version != str(self.version):
            raise conflict("leases", "l")
        return await self._keep(lease)

    async def _keep(self, lease: Lease) -> Lease:
        self.version += 1
        lease.metadata.resource_version = str(self.version)
        self.lease = msgspec.json.decode(msgspec.json.encode(lease), type=Lease)
        return lease

    @property
    def holder(self) -> str:
        return str(self.lease.spec.holder_identity)


def elector(leases: Leases, clock: FakeClock, identity: str) -> LeaderElector:
    return LeaderElector(leases, name="l", identity=identity, clock=clock)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def forever() -> None:
    await asyncio.Event().wait()


async def test_the_first_leads_and_the_second_waits(clock: FakeClock) -> None:
    leases = Leases()
    one, two = elector(leases, clock, "one"), elector(leases, clock, "two")
    first = spawn("one", one.run(forever))
    await clock.advance(0)
    second = spawn("two", two.run(forever))
    await clock.advance(60)
    assert (one.is_leader, two.is_leader, leases.holder) == (True, False, "one")
    await stop(first)
    await clock.advance(14)
    assert not two.is_leader
    await clock.advance(5)
    assert two.is_leader
    assert leases.lease.spec.lease_transitions == 1
    await stop(second)


async def test_who_cannot_renew_stops_before_another_may_start(clock: FakeClock) -> None:
    leases = Leases()
    one = elector(leases, clock, "one")
    ended = []

    async def lead() -> None:
        try:
            await forever()
        finally:
            ended.append(clock.monotonic())

    task = spawn("one", one.run(lead))
    await clock.advance(4)
    leases.down = True
    began = clock.monotonic()
    await clock.advance(14)
    assert task.done()
    assert not one.is_leader
    assert ended and ended[0] - began < 15


async def test_who_gets_no_answer_stops_before_another_may_start() -> None:
    """The server refuses at first and then hangs, for longer than the deadline. In real time, since it is the loop that cuts it off."""
    leases = Leases()
    one = LeaderElector(leases, name="l", identity="one", lease_s=1.8, renew_deadline_s=1.2, retry_s=0.2)  # type: ignore[arg-type]
    led = asyncio.Event()

    async def lead() -> None:
        led.set()
        await forever()

    task = spawn("one", one.run(lead))
    await led.wait()
    began = asyncio.get_running_loop().time()

    async def hangs(*_: Any) -> Lease:
        if asyncio.get_running_loop().time() - began < 0.9:
            raise ConnectionFailed("down")
        await forever()
        raise AssertionError

    leases.get = hangs  # type: ignore[method-assign]
    async with asyncio.timeout(1.8):
        await task
    assert not one.is_leader


async def test_one_request_that_hangs_does_not_cost_the_lead(caplog: pytest.LogCaptureFixture) -> None:
    leases = Leases()
    one = LeaderElector(leases, name="l", identity="one", lease_s=0.9, renew_deadline_s=0.6, retry_s=0.05)  # type: ignore[arg-type]
    led, hung, answers = asyncio.Event(), asyncio.Event(), leases.get

    async def lead() -> None:
        led.set()
        await forever()

    task = spawn("one", one.run(lead))
    await led.wait()

    async def hangs_once(*words: Any) -> Lease:
        leases.get = answers  # type: ignore[method-assign]
        hung.set()
        await forever()
        raise AssertionError

    leases.get = hangs_once  # type: ignore[method-assign]
    await hung.wait()
    await asyncio.sleep(0.8)
    assert one.is_leader and not task.done()
    assert "no answer in 0.3 s" in caplog.text
    await stop(task)


async def test_a_released_lease_is_taken_at_once(clock: FakeClock) -> None:
    leases = Leases()
    one, two = elector(leases, clock, "one"), elector(leases, clock, "two")
    first = spawn("one", one.run(forever))
    await clock.advance(1)
    await stop(first)
    await one.release()
    assert leases.holder == ""
    second = spawn("two", two.run(forever))
    await clock.advance(2)
    assert two.is_leader
    await stop(second)


async def test_a_lease_that_was_lost_is_given_back_once_the_server_answers(clock: FakeClock) -> None:
    leases = Leases()
    one = elector(leases, clock, "one")
    task = spawn("one", one.run(forever))
    await clock.advance(1)
    leases.down = True
    await clock.advance(13)
    assert task.done() and leases.holder == "one"
    leases.down = False
    await one.release()
    assert leases.holder == "", "its next start leads at once"


async def test_somebody_elses_lease_is_not_given_back(clock: FakeClock) -> None:
    leases = Leases()
    one = elector(leases, clock, "one")
    task = spawn("one", one.run(forever))
    await clock.advance(1)
    await stop(task)
    leases.lease.spec.holder_identity = "two"
    await one.release()
    assert leases.holder == "two"


async def test_work_that_ends_ends_the_run(clock: FakeClock) -> None:
    async def lead() -> None:
        return

    await elector(Leases(), clock, "one").run(lead)

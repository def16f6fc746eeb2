"""Leader election by a coordination.k8s.io/v1 Lease: of several replicas one leads, and it stops before another may start.

The rules are client-go's: whoever wants to lead writes its identity and renews every `retry_s`; others take over when the record they
see has not changed for `lease_s` of *their own* clock. A leader that can't renew for `renew_deadline_s` (< lease_s) stops leading.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable

from provisioner.kube.api._generated import coordination_v1, meta_v1
from provisioner.kube.api.errors import StatusError
from provisioner.kube.client import series
from provisioner.kube.client.client import Client, ConnectionFailed
from provisioner.kube.client.clock import Clock, SystemClock
from provisioner.kube.client.daemon import Daemon
from provisioner.kube.client.flags import Flags, FlagSet, boolean, duration
from provisioner.kube.client.series import Sample
from provisioner.kube.client.tasks import spawn, stop

log = logging.getLogger(__name__)

Lease = coordination_v1.Lease


def add_flags(flags: FlagSet, lease: str) -> None:
    flags.add("leader-elect", boolean, True, f"act only while holding the lease kube-system/{lease}")
    flags.add("leader-elect-lease-duration", duration, 15.0, "others wait this long for a silent leader")
    flags.add("leader-elect-renew-deadline", duration, 10.0, "a leader that can't renew for this long stops")
    flags.add("leader-elect-retry-period", duration, 2.0, "time between attempts")


def lead_by_flags(daemon: Daemon, client: Client, flags: Flags, lease: str, work: Callable[[], Awaitable[None]]) -> None:
    """Starts `work` as a loop of the daemon, once the lease kube-system/`lease` is held; the lease is given back at the end."""
    elector = LeaderElector(
        client,
        name=lease,
        identity=f"{socket.gethostname()}_{os.getpid()}_{secrets.token_hex(4)}",
        lease_s=flags.leader_elect_lease_duration,
        renew_deadline_s=flags.leader_elect_renew_deadline,
        retry_s=flags.leader_elect_retry_period,
    )
    daemon.on_stop("lease", elector.release)
    daemon.spawn("leader election", elector.run(work))


class LeaderElector:
    """`identity` must be unique among replicas, and new at each start. Times in seconds; defaults are upstream's."""

    def __init__(
        self,
        client: Client,
        *,
        name: str,
        identity: str,
        namespace: str = "kube-system",
        lease_s: float = 15.0,
        renew_deadline_s: float = 10.0,
        retry_s: float = 2.0,
        clock: Clock | None = None,
    ) -> None:
        self._client, self._name, self._namespace, self.identity = client, name, namespace, identity
        self._lease_s, self._renew_deadline_s, self._retry_s = lease_s, renew_deadline_s, retry_s
        self._clock = clock or SystemClock()
        self._seen: tuple[str | None, str | None] | None = None
        self._seen_at = 0.0
        self._led = False
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self.is_leader = False
        series.tell(self)

    def samples(self) -> Iterable[Sample]:
        yield Sample("gauge", "leader_election_master_status", {"name": self._name}, self.is_leader)

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait to become leader, run `lead`, and return when leadership is lost (after `lead` was cancelled) or `lead` returns."""
        while not await self._try(self._renew_deadline_s, acquire=True):
            await self._clock.sleep(self._retry_s)
        log.info("became leader lease=%s/%s identity=%s", self._namespace, self._name, self.identity)
        self.is_leader = self._led = True
        leading = spawn(f"leading {self._name}", _call(lead))
        renewing = spawn(f"renewing {self._name}", self._renew())
        self._tasks = (leading, renewing)
        try:
            await asyncio.wait({leading, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if leading.done() and not leading.cancelled():
                leading.result()
        finally:
            self.is_leader = False
            await stop(leading, renewing)

    async def release(self) -> None:
        """Stop leading and give the lease back, at a graceful stop or after it could not be renewed in time: another replica, or this one's next
        start, need not wait for its end."""
        if not self._led:
            return
        self._led = False
        await stop(*self._tasks)
        try:
            async with asyncio.timeout(self._renew_deadline_s / 2):
                lease = await self._client.get(Lease, self._name, self._namespace)
                if lease.spec.holder_identity == self.identity:
                    lease.spec.holder_identity, lease.spec.lease_duration_seconds = "", 1
                    await self._client.update(lease)
        except (StatusError, ConnectionFailed, TimeoutError) as error:
            log.warning("could not release the lease lease=%s: %s", self._name, error or "no answer")

    async def _renew(self) -> None:
        """Renew, until that fails for `renew_deadline_s` on end. One request that hangs does not cost the lead: each has half that time."""
        while True:
            await self._clock.sleep(self._retry_s)
            deadline = self._clock.monotonic() + self._renew_deadline_s
            while not await self._try(
                min(max(deadline - self._clock.monotonic(), self._retry_s), self._renew_deadline_s / 2), acquire=False
            ):
                if self._clock.monotonic() + self._retry_s > deadline:
                    log.error("lost leadership lease=%s: not renewed for %d s", self._name, self._renew_deadline_s)
                    return
                await self._clock.sleep(self._retry_s)

    async def _try(self, timeout_s: float, *, acquire: bool) -> bool:
        """One attempt to hold the lease. False where another holds it or the API server doesn't answer in time."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._hold(acquire)
        except StatusError as error:
            if error.code not in (404, 409):
                log.warning("lease refused lease=%s: %s", self._name, error.message)
        except TimeoutError:
            log.warning("lease not reached lease=%s: no answer in %.1f s", self._name, timeout_s)
        except ConnectionFailed as error:
            log.warning("lease not reached lease=%s: %s", self._name, error)
        return False

    async def _hold(self, acquire: bool) -> bool:
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = coordination_v1.LeaseSpec(
            holder_identity=self.identity,
            lease_duration_seconds=int(self._lease_s),
            acquire_time=now,
            renew_time=now,
            lease_transitions=0,
        )
        try:
            lease = await self._client.get(Lease, self._name, self._namespace)
        except StatusError as error:
            if error.code != 404:
                raise
            fresh = Lease(metadata=meta_v1.ObjectMeta(name=self._name, namespace=self._namespace), spec=spec)
            await self._client.create(fresh)
            return True
        old = lease.spec
        observed = (old.holder_identity, old.renew_time)
        if observed != self._seen:
            self._seen, self._seen_at = observed, self._clock.monotonic()
        ours = old.holder_identity == self.identity
        if not ours and (not acquire or (old.holder_identity and self._clock.monotonic() - self._seen_at < self._lease_s)):
            return False
        spec.lease_transitions = (old.lease_transitions or 0) + (0 if ours else 1)
        if ours:
            spec.acquire_time = old.acquire_time
        lease.spec = spec
        await self._client.update(lease)
        return True


async def _call(lead: Callable[[], Awaitable[None]]) -> None:
    await lead()

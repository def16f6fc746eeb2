"""Proves that the lease is made once, renewed four times in its duration, and taken up again after a conflict."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api._generated import coordination_v1, core_v1, meta_v1
from provisioner.kube.api.errors import StatusError, not_found
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.kubelet.node.lease import NodeLease


class FakeClient:
    def __init__(self) -> None:
        self.lease: coordination_v1.Lease | None = None
        self.calls: list[str] = []
        self.conflict = False

    async def get(self, kind: Any, name: str, namespace: str | None = None) -> Any:
        if kind is core_v1.Node:
            return core_v1.Node(metadata=meta_v1.ObjectMeta(name=name, uid="node-uid"))
        self.calls.append("get")
        if self.lease is None:
            raise not_found("leases", name)
        return self.lease

    async def create(self, lease: coordination_v1.Lease) -> coordination_v1.Lease:
        self.calls.append("create")
        self.lease = lease
        return lease

    async def update(self, lease: coordination_v1.Lease) -> coordination_v1.Lease:
        self.calls.append("update")
        if self.conflict:
            self.conflict = False
            raise StatusError(409, "Conflict", "changed")
        self.lease = lease
        return lease


async def test_the_lease_lives() -> None:
    clock, client = FakeClock(), FakeClient()
    running = spawn("lease", NodeLease(client, "n", 40, clock).run())  # type: ignore[arg-type]
    await clock.advance(0)
    assert client.lease is not None and client.lease.metadata.owner_references is not None
    assert client.lease.metadata.owner_references[0].uid == "node-uid" and client.lease.spec.renew_time == "2026-01-01T00:00:00.000000Z"
    await clock.advance(20)
    assert client.calls == ["get", "create", "update", "update"] and client.lease.spec.renew_time == "2026-01-01T00:00:20.000000Z"
    client.conflict = True
    await clock.advance(11)
    assert client.calls[4:] == ["update", "get", "update"]
    await stop(running)

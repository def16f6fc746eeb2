"""Proves on a real etcd that a watch which begins in the past never claims to be further than what it has told."""

from __future__ import annotations

import asyncio
from typing import Any

from provisioner.kube.storage.etcd import Endpoint, Etcd, EtcdError, prefix_end
from provisioner.kube.storage.etcd import pb as etcd_pb

# etcd sends what happened before in batches of a thousand revisions.
WRITES = 1200
PREFIX = b"/watched-from-the-past/"


async def answering(etcd: Etcd) -> int:
    """Its revision, once it has started."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await etcd.revision()
            except EtcdError:
                await asyncio.sleep(0.1)


async def test_a_watch_that_begins_in_the_past_is_nowhere_it_has_not_told_of(pki: Any, etcd_url: str) -> None:
    etcd = Etcd(Endpoint((etcd_url,), str(pki.path("ca.crt")), str(pki.path("server.crt")), str(pki.path("server.key"))))
    begin = await answering(etcd) + 1
    for number in range(WRITES):
        put = etcd_pb.RequestOp(request_put=etcd_pb.PutRequest(key=PREFIX + str(number).encode(), value=b"x"))
        await etcd.txn(etcd_pb.TxnRequest(success=[put]))
    told: list[int] = []
    async for revision, events in etcd.watch(PREFIX, prefix_end(PREFIX), begin):
        told += [event.kv.mod_revision for event in events]
        assert revision == told[-1]
        if len(told) == WRITES:
            break
    assert told == sorted(set(told)) and told[0] >= begin
    await etcd.close()

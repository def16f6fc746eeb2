"""Proves that concurrent writes share transactions, each succeeding or failing for itself, and that none is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from provisioner.kube.storage import versions
from provisioner.kube.storage._generated import etcd_pb2 as pb
from provisioner.kube.storage.encryption import ROOT, AesGcm, Rule, Vault
from provisioner.kube.storage.etcd import EtcdError
from provisioner.kube.storage.store import Conflict, Store


class FakeEtcd:
    """Transactions on a dictionary, with etcd's revisions; `gate` holds them back."""

    def __init__(self) -> None:
        self.revision, self.data = 1, dict[bytes, tuple[bytes, int]]()
        self.sizes: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: EtcdError | None = None
        self.leases: list[int] = []

    async def grant(self, ttl_s: int) -> int:
        self.leases.append(ttl_s)
        return len(self.leases)

    async def txn(self, request: pb.TxnRequest) -> pb.TxnResponse:
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        nested = [op.request_txn for op in request.success] if not request.compare else [request]
        self.sizes.append(len(nested))
        self.revision += 1
        answers = [self._one(one) for one in nested]
        if request.compare:
            answers[0].header.revision = self.revision
            return answers[0]
        responses = [pb.ResponseOp(response_txn=answer) for answer in answers]
        return pb.TxnResponse(header=pb.ResponseHeader(revision=self.revision), succeeded=True, responses=responses)

    def _one(self, request: pb.TxnRequest) -> pb.TxnResponse:
        compare = request.compare[0]
        value, revision = self.data.get(compare.key, (b"", 0))
        if revision != compare.mod_revision:
            kvs = [pb.KeyValue(key=compare.key, value=value, mod_revision=revision)] if revision else []
            return pb.TxnResponse(succeeded=False, responses=[pb.ResponseOp(response_range=pb.RangeResponse(kvs=kvs))])
        op = request.success[0]
        if op.HasField("request_put"):
            self.data[compare.key] = (op.request_put.value, self.revision)
        else:
            del self.data[compare.key]
        return pb.TxnResponse(succeeded=True)


def made() -> tuple[FakeEtcd, Store]:
    etcd = FakeEtcd()
    return etcd, Store(etcd)  # type: ignore[arg-type]


async def test_waiting_writes_go_together_with_versions_of_their_own() -> None:
    etcd, store = made()
    etcd.gate.clear()
    writes = [asyncio.get_running_loop().create_task(store.put(f"k{n}".encode(), b"{}", 0)) for n in range(100)]
    await asyncio.sleep(0)
    etcd.gate.set()
    found = await asyncio.gather(*writes)
    assert len(set(found)) == 100 and len(etcd.sizes) < 10 and max(etcd.sizes) <= versions.GROUP
    for number, version in enumerate(found):
        value, revision = etcd.data[f"k{number}".encode()]
        assert versions.version_of(revision, versions.unpack(value)[1]) == version


async def test_one_that_fails_leaves_the_others_alone() -> None:
    etcd, store = made()
    await store.put(b"taken", b'{"a":1}', 0)
    etcd.gate.clear()
    blocker = asyncio.get_running_loop().create_task(store.put(b"x", b"{}", 0))
    await asyncio.sleep(0)
    writes = [asyncio.get_running_loop().create_task(store.put(key, b"{}", 0)) for key in (b"new", b"taken", b"other")]
    await asyncio.sleep(0)
    etcd.gate.set()
    results = await asyncio.gather(*writes, return_exceptions=True)
    await blocker
    assert isinstance(results[0], int) and isinstance(results[2], int)
    assert isinstance(results[1], Conflict) and results[1].value == b'{"a":1}' and results[1].revision == 2


async def test_the_same_key_never_goes_twice_at_once() -> None:
    _, store = made()
    results = await asyncio.gather(*(store.put(b"k", b"{}", 0) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(r, int) for r in results) == 1
    assert sum(isinstance(r, Conflict) for r in results) == 7


async def test_what_stands_in_the_way_is_told_as_json_wherever_in_a_group_it_was_written() -> None:
    etcd, _ = made()
    for vault in (None, Vault(ROOT, [Rule(("*.*",), (AesGcm("k", bytes(32)),))])):
        store = Store(etcd, vault)  # type: ignore[arg-type]  # the fake has what is asked of it
        etcd.gate.clear()
        name = b"sealed" if vault else b"plain"
        keys = [ROOT + b"core/configmaps/" + name + str(number).encode() for number in range(4)]
        writes = [asyncio.get_running_loop().create_task(store.put(key, b'{"a":1}', 0)) for key in keys]
        await asyncio.sleep(0)
        etcd.gate.set()
        await asyncio.gather(*writes)
        with pytest.raises(Conflict) as caught:
            await store.delete(keys[3], 0)
        assert caught.value.value == b'{"a":1}'
        with pytest.raises(Conflict) as caught:
            await Store(etcd).delete(keys[3], 0)  # type: ignore[arg-type]
        assert caught.value.value == (b"{}" if vault else b'{"a":1}'), "what nobody here can open is an empty object"


async def test_deletion_needs_the_state_it_was_decided_on() -> None:
    etcd, store = made()
    version = await store.put(b"k", b"{}", 0)
    with pytest.raises(Conflict):
        await store.delete(b"k", 99)
    assert await store.delete(b"k", versions.revision_of(version)) > version
    assert b"k" not in etcd.data


async def test_failure_reaches_every_writer_with_its_fate() -> None:
    etcd, store = made()
    etcd.failure = EtcdError("gone", unknown_fate=True)
    results = await asyncio.gather(*(store.put(f"{n}".encode(), b"{}", 0) for n in range(5)), return_exceptions=True)
    assert all(isinstance(r, EtcdError) and r.unknown_fate for r in results)


async def test_leases_are_shared() -> None:
    etcd, store = made()
    for number in range(5):
        await store.put(f"e{number}".encode(), b"{}", 0, ttl_s=3600)
    assert etcd.leases == [3960]

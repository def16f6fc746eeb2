"""Conditional writes of single keys, many of them in one etcd transaction.

Writers that come while a transaction is on its way wait together and go as one: an outer transaction of nested compare-and-put
transactions, each of which succeeds or fails for itself. Deletions go alone, since a deleted key has no value to keep a place in.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.storage import versions
from provisioner.kube.storage._generated import etcd_pb2 as pb
from provisioner.kube.storage.encryption import ROOT, Vault
from provisioner.kube.storage.etcd import Etcd, EtcdError

# Writers that may wait; more is a client's overload, which the server's own limit of requests in flight stops first.
MAX_WAITING = 10_000
# Transactions on their way at once. With one, all who come meanwhile share the next: what a transaction costs here (0.1 to 0.4 ms of CPU) and in
# etcd is then spread over most writes.
IN_FLIGHT = 1


class Conflict(Exception):
    """The key was not in the state that the write asked for. `value` is the JSON that it holds, `revision` since when (None, 0: nothing);
    what can't be opened is an empty object."""

    def __init__(self, value: bytes | None, revision: int) -> None:
        super().__init__("the key has changed")
        self.value, self.revision = value, revision


@dataclass(slots=True, eq=False)
class _Write:
    key: bytes
    body: bytes | None
    expected_revision: int
    lease: int
    done: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Store:
    """Writes. `expected_revision` is the etcd revision of the key's present value, 0 for a key that must not exist."""

    def __init__(self, etcd: Etcd, vault: Vault | None = None, root: bytes = ROOT) -> None:
        """`root` is where in etcd what callers know as ROOT lies."""
        self._etcd, self._vault, self._root = etcd, vault or Vault(root), root
        self._waiting: deque[_Write] = deque()
        self._in_flight = 0
        self._busy_keys: set[bytes] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leases: dict[int, tuple[int, float]] = {}

    async def close(self) -> None:
        await stop(*self._tasks)

    async def put(self, key: bytes, body: bytes, expected_revision: int, *, ttl_s: int = 0) -> int:
        """Write JSON under a key; the write's resourceVersion. Raises Conflict or EtcdError."""
        lease = await self._lease(ttl_s) if ttl_s else 0
        return await self._submit(_Write(key, body, expected_revision, lease))

    async def delete(self, key: bytes, expected_revision: int) -> int:
        """Remove a key; the resourceVersion of its end. Raises Conflict or EtcdError."""
        return await self._submit(_Write(key, None, expected_revision, 0))

    async def _submit(self, write: _Write) -> int:
        if len(self._waiting) >= MAX_WAITING:
            raise EtcdError(f"{MAX_WAITING} writes wait already")
        if self._root is not ROOT:
            write.key = self._root + write.key[len(ROOT) :]
        self._waiting.append(write)
        self._start()
        return await write.done

    def _start(self) -> None:
        while self._waiting and self._in_flight < IN_FLIGHT:
            group = self._next_group()
            if not group:
                return
            self._in_flight += 1
            self._busy_keys.update(write.key for write in group)
            task = spawn("group commit", self._commit(group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next_group(self) -> list[_Write]:
        """As many waiting writes as can go together: no key twice, none that is on its way already, a deletion by itself."""
        group: list[_Write] = []
        keys = set(self._busy_keys)
        passed: list[_Write] = []
        while self._waiting and len(group) < versions.GROUP:
            write = self._waiting.popleft()
            if write.key in keys or (write.body is None and group):
                passed.append(write)
                keys.add(write.key)
                continue
            keys.add(write.key)
            group.append(write)
            if write.body is None:
                break
        self._waiting.extendleft(reversed(passed))
        return group

    async def _commit(self, group: list[_Write]) -> None:
        try:
            await self._transact(group)
        finally:
            for write in group:
                if not write.done.done():
                    write.done.set_exception(EtcdError("the write was cut short", unknown_fate=True))
            self._in_flight -= 1
            self._busy_keys.difference_update(write.key for write in group)
            self._start()

    async def _transact(self, group: list[_Write]) -> None:
        request = pb.TxnRequest()
        for place, write in enumerate(group):
            _fill(request if len(group) == 1 else request.success.add().request_txn, write, place, self._vault)
        try:
            response = await self._etcd.txn(request)
        except EtcdError as error:
            for write in group:
                if not write.done.done():
                    write.done.set_exception(EtcdError(str(error), unknown_fate=error.unknown_fate))
            return
        revision = response.header.revision
        answers = [response] if len(group) == 1 else [answer.response_txn for answer in response.responses]
        for place, (write, answer) in enumerate(zip(group, answers, strict=True)):
            if write.done.done():
                continue
            if answer.succeeded:
                write.done.set_result(versions.version_of(revision, place))
            else:
                kvs = answer.responses[0].response_range.kvs
                write.done.set_exception(Conflict(self._plain(kvs[0]), kvs[0].mod_revision) if kvs else Conflict(None, 0))

    def _plain(self, kv: pb.KeyValue) -> bytes:
        try:
            return versions.unpack(self._vault.open(kv.key, kv.value)[0])[0]
        except ValueError:
            return b"{}"

    async def _lease(self, ttl_s: int) -> int:
        """A lease that ends between `ttl_s` and a tenth more from now: shared, since each costs etcd memory."""
        now = asyncio.get_running_loop().time()
        lease, made_s = self._leases.get(ttl_s, (0, 0.0))
        if not lease or now - made_s > ttl_s / 10:
            lease = await self._etcd.grant(ttl_s + ttl_s // 10)
            self._leases[ttl_s] = (lease, now)
        return lease


def _fill(request: pb.TxnRequest, write: _Write, place: int, vault: Vault) -> None:
    """Write the compare-and-put into an empty transaction, in its place: making its parts by themselves and copying them costs three times as much."""
    compare = request.compare.add()
    compare.result, compare.target = pb.Compare.EQUAL, pb.Compare.MOD
    compare.key, compare.mod_revision = write.key, write.expected_revision
    change = request.success.add()
    if write.body is None:
        change.request_delete_range.key = write.key
    else:
        put = change.request_put
        put.key, put.value, put.lease = write.key, vault.seal(write.key, versions.pack(write.body, place)), write.lease
    request.failure.add().request_range.key = write.key

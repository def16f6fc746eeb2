"""etcd's v3 API as far as we use it, over grpc.aio. Errors are EtcdError; every call has a deadline."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from provisioner.kube.storage._generated import etcd_pb2 as pb

log = logging.getLogger(__name__)

CALL_TIMEOUT_S = 10.0
# A gRPC message holds one object (etcd's own limit is 1.5 MB) or one page of a range.
MESSAGE_BYTES = 64 * 1024 * 1024


class EtcdError(Exception):
    """etcd did not answer, or refused. `unknown_fate` says that a write may have happened all the same."""

    def __init__(self, message: str, *, unknown_fate: bool = False) -> None:
        super().__init__(message)
        self.unknown_fate = unknown_fate


class Compacted(EtcdError):
    """The revision asked for is no longer kept."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`servers` as of --etcd-servers: https://host:port, or http:// for a server without TLS."""

    servers: tuple[str, ...]
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


def prefix_end(prefix: bytes) -> bytes:
    """The first key after all keys that start with `prefix`."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


# Codes after which another server may do better.
_AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL)
_OPTIONS = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]


class _Lane:
    """One server's channel and its calls."""

    def __init__(self, server: str, credentials: grpc.ChannelCredentials | None) -> None:
        target = server.partition("://")[2].rstrip("/")
        if credentials is not None:
            self.channel = grpc.aio.secure_channel(target, credentials, _OPTIONS)
        else:
            self.channel = grpc.aio.insecure_channel(target, _OPTIONS)
        self.server = server
        self.range = self._unary("KV/Range", pb.RangeRequest, pb.RangeResponse)
        self.txn = self._unary("KV/Txn", pb.TxnRequest, pb.TxnResponse)
        self.compact = self._unary("KV/Compact", pb.CompactionRequest, pb.CompactionResponse)
        self.grant = self._unary("Lease/LeaseGrant", pb.LeaseGrantRequest, pb.LeaseGrantResponse)
        self.status = self._unary("Maintenance/Status", pb.StatusRequest, pb.StatusResponse)
        self.watch = self.channel.stream_stream(
            "/etcdserverpb.Watch/Watch",
            request_serializer=pb.WatchRequest.SerializeToString,
            response_deserializer=pb.WatchResponse.FromString,
        )

    def _unary(self, method: str, request: Any, response: Any) -> Any:
        return self.channel.unary_unary(
            f"/etcdserverpb.{method}", request_serializer=request.SerializeToString, response_deserializer=response.FromString
        )


class Etcd:
    """Speaks with one server until it fails, then with the next. Make it inside the running loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._servers = endpoint.servers
        # told of every answer: the call and its seconds
        self.answered: Callable[[str, float], None] = lambda _call, _seconds: None
        self._credentials: grpc.ChannelCredentials | None = None
        if endpoint.servers[0].startswith("https://"):
            self._credentials = grpc.ssl_channel_credentials(
                Path(endpoint.ca_file).read_bytes() if endpoint.ca_file else None,
                Path(endpoint.key_file).read_bytes() if endpoint.key_file else None,
                Path(endpoint.cert_file).read_bytes() if endpoint.cert_file else None,
            )
        self._index = 0
        self._lanes: dict[int, _Lane] = {}

    def _lane(self) -> _Lane:
        if self._index not in self._lanes:
            self._lanes[self._index] = _Lane(self._servers[self._index], self._credentials)
        return self._lanes[self._index]

    def _next(self, failed: _Lane) -> None:
        """Turn to another server, unless somebody has done so already. The failed one is asked again when its turn comes."""
        if len(self._servers) > 1 and self._lanes.get(self._index) is failed:
            self._index = (self._index + 1) % len(self._servers)
            log.warning("etcd server=%s failed, next=%s", failed.server, self._servers[self._index])

    async def close(self) -> None:
        for lane in self._lanes.values():
            await lane.channel.close()

    async def _call(self, method: str, request: Any, *, write: bool = False) -> Any:
        """Reads go round all servers before they fail; a write goes once, since it may have happened."""
        tries = 1 if write else len(self._servers)
        for attempt in range(tries):
            lane = self._lane()
            began = time.monotonic()
            try:
                response = await getattr(lane, method)(request, timeout=CALL_TIMEOUT_S if write else CALL_TIMEOUT_S / tries)
                self.answered(method, time.monotonic() - began)
                return response
            except grpc.aio.AioRpcError as error:
                detail = error.details() or error.code().name
                if "compacted" in detail:
                    raise Compacted(detail) from error
                if error.code() in _AWAY:
                    self._next(lane)
                    if attempt < tries - 1:
                        continue
                refused = error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED) or "connect" in detail
                raise EtcdError(f"etcd {lane.server}: {detail}", unknown_fate=write and not refused) from error
        raise AssertionError("unreachable")

    async def range(self, key: bytes, end: bytes = b"", *, limit: int = 0, revision: int = 0, count_only: bool = False) -> pb.RangeResponse:
        return await self._call("range", pb.RangeRequest(key=key, range_end=end, limit=limit, revision=revision, count_only=count_only))  # type: ignore[no-any-return]

    async def revision(self) -> int:
        """The cluster's revision at some moment after this call began (a quorum read of nothing)."""
        response = await self.range(b"\x00", count_only=True)
        return int(response.header.revision)

    async def txn(self, request: pb.TxnRequest) -> pb.TxnResponse:
        return await self._call("txn", request, write=True)  # type: ignore[no-any-return]

    async def compact(self, revision: int) -> None:
        """Forget history before `revision`; asking again for what is forgotten is no error."""
        try:
            await self._call("compact", pb.CompactionRequest(revision=revision))
        except Compacted:
            return

    async def grant(self, ttl_s: int) -> int:
        """A lease; keys put with it end with it."""
        response = await self._call("grant", pb.LeaseGrantRequest(TTL=ttl_s))
        return int(response.ID)

    async def status(self) -> pb.StatusResponse:
        return await self._call("status", pb.StatusRequest())  # type: ignore[no-any-return]

    async def watch(self, key: bytes, end: bytes, start_revision: int) -> AsyncIterator[tuple[int, Sequence[pb.Event]]]:
        """(revision, events) after events from `start_revision` on: all there were until `revision`. Raises EtcdError."""
        created = pb.WatchRequest(
            create_request=pb.WatchCreateRequest(key=key, range_end=end, start_revision=start_revision, progress_notify=True)
        )
        lane = self._lane()
        call = lane.watch(wait_for_ready=False, metadata=(("hasleader", "true"),))
        try:
            await call.write(created)
            while (response := await call.read()) is not grpc.aio.EOF:
                if response.canceled:
                    if response.compact_revision:
                        raise Compacted(f"etcd: revision {start_revision} is compacted")
                    self._next(lane)
                    raise EtcdError(f"etcd: watch cancelled: {response.cancel_reason}")
                # The header tells etcd's own revision, which a watch that begins in the past has yet to reach: it is ours only where etcd says
                # so of its own accord (progress), since it does that of watches that have caught up.
                if response.events:
                    yield response.events[-1].kv.mod_revision, response.events
                elif not response.created:
                    yield response.header.revision, response.events
            raise EtcdError("etcd: the watch ended")
        except grpc.aio.AioRpcError as error:
            self._next(lane)
            raise EtcdError(f"etcd {lane.server}: watch: {error.details()}") from error
        except asyncio.InvalidStateError as error:
            raise EtcdError(f"etcd: watch: {error}") from error
        finally:
            call.cancel()

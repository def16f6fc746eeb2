"""etcd's v3 API as far as we use it, over grpc.aio. Errors are EtcdError; every call has a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from provisioner.kube.storage._generated import etcd_pb2 as pb

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


class Etcd:
    """One channel to whichever servers answer. Make it inside the running loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        hosts = [server.partition("://")[2].rstrip("/") for server in endpoint.servers]
        target = "ipv4:" + ",".join(hosts) if all(host[0].isdigit() for host in hosts) else hosts[0]
        options = [
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", 30_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            ("grpc.lb_policy_name", "round_robin"),
        ]
        if endpoint.servers[0].startswith("https://"):
            credentials = grpc.ssl_channel_credentials(
                Path(endpoint.ca_file).read_bytes() if endpoint.ca_file else None,
                Path(endpoint.key_file).read_bytes() if endpoint.key_file else None,
                Path(endpoint.cert_file).read_bytes() if endpoint.cert_file else None,
            )
            self._channel = grpc.aio.secure_channel(target, credentials, options)
        else:
            self._channel = grpc.aio.insecure_channel(target, options)
        self._range = self._unary("KV/Range", pb.RangeRequest, pb.RangeResponse)
        self._txn = self._unary("KV/Txn", pb.TxnRequest, pb.TxnResponse)
        self._compact = self._unary("KV/Compact", pb.CompactionRequest, pb.CompactionResponse)
        self._grant = self._unary("Lease/LeaseGrant", pb.LeaseGrantRequest, pb.LeaseGrantResponse)
        self._status = self._unary("Maintenance/Status", pb.StatusRequest, pb.StatusResponse)
        self._watch = self._channel.stream_stream(
            "/etcdserverpb.Watch/Watch",
            request_serializer=pb.WatchRequest.SerializeToString,
            response_deserializer=pb.WatchResponse.FromString,
        )

    def _unary(self, method: str, request: Any, response: Any) -> Any:
        return self._channel.unary_unary(
            f"/etcdserverpb.{method}", request_serializer=request.SerializeToString, response_deserializer=response.FromString
        )

    async def close(self) -> None:
        await self._channel.close()

    async def _call(self, method: Any, request: Any, *, write: bool = False) -> Any:
        try:
            return await method(request, timeout=CALL_TIMEOUT_S, wait_for_ready=not write)
        except grpc.aio.AioRpcError as error:
            detail = error.details() or error.code().name
            if "compacted" in detail:
                raise Compacted(detail) from error
            refused = error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
            raise EtcdError(f"etcd: {detail}", unknown_fate=write and not refused) from error

    async def range(self, key: bytes, end: bytes = b"", *, limit: int = 0, revision: int = 0, count_only: bool = False) -> pb.RangeResponse:
        return await self._call(self._range, pb.RangeRequest(key=key, range_end=end, limit=limit, revision=revision, count_only=count_only))  # type: ignore[no-any-return]

    async def revision(self) -> int:
        """The cluster's revision at some moment after this call began (a quorum read of nothing)."""
        response = await self.range(b"\x00", count_only=True)
        return int(response.header.revision)

    async def txn(self, request: pb.TxnRequest) -> pb.TxnResponse:
        return await self._call(self._txn, request, write=True)  # type: ignore[no-any-return]

    async def compact(self, revision: int) -> None:
        """Forget history before `revision`; asking again for what is forgotten is no error."""
        try:
            await self._call(self._compact, pb.CompactionRequest(revision=revision))
        except Compacted:
            return

    async def grant(self, ttl_s: int) -> int:
        """A lease; keys put with it end with it."""
        response = await self._call(self._grant, pb.LeaseGrantRequest(TTL=ttl_s))
        return int(response.ID)

    async def status(self) -> pb.StatusResponse:
        return await self._call(self._status, pb.StatusRequest())  # type: ignore[no-any-return]

    async def watch(self, key: bytes, end: bytes, start_revision: int) -> AsyncIterator[tuple[int, Sequence[pb.Event]]]:
        """(revision, events) after events from `start_revision` on; every event of a revision comes together. Raises EtcdError."""
        created = pb.WatchRequest(
            create_request=pb.WatchCreateRequest(key=key, range_end=end, start_revision=start_revision, prev_kv=True, progress_notify=True)
        )
        call = self._watch(wait_for_ready=False)
        try:
            await call.write(created)
            while (response := await call.read()) is not grpc.aio.EOF:
                if response.canceled:
                    if response.compact_revision:
                        raise Compacted(f"etcd: revision {start_revision} is compacted")
                    raise EtcdError(f"etcd: watch cancelled: {response.cancel_reason}")
                yield response.header.revision, response.events
            raise EtcdError("etcd: the watch ended")
        except grpc.aio.AioRpcError as error:
            raise EtcdError(f"etcd: watch: {error.details()}") from error
        except asyncio.InvalidStateError as error:
            raise EtcdError(f"etcd: watch: {error}") from error
        finally:
            call.cancel()

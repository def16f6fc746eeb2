"""The short way of the request that there is most of: GET of one object as JSON. It is read off the connection's bytes and answered in one
write, without a task, a request or a response object of its own.
"""

from __future__ import annotations

import asyncio

from provisioner.kube.api.meta import random_uuid
from provisioner.kube.apiserver.app import JSON_HEADERS, UNCACHED, Seat
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.quick_connections import Connection
from provisioner.kube.apiserver.quick_entrance import HEAD_BYTES, Asked, Entrance
from provisioner.kube.apiserver.replies import head_of
from provisioner.kube.storage.cache import Collection, WatchCache

# A larger answer takes the long way: it may be compressed.
BODY_BYTES = 64 * 1024


class QuickReads:
    """What the short way needs of the server; one for all its connections."""

    def __init__(self, entrance: Entrance, cache: WatchCache, metrics: Metrics) -> None:
        self._entrance, self._cache, self._metrics = entrance, cache, metrics

    def begin(self, connection: Connection, data: bytes) -> bool:
        """As ShortWay."""
        if len(data) >= HEAD_BYTES or data.find(b"\r\n\r\n") != len(data) - 4:
            return False
        line, _, rest = data[:-2].partition(b"\r\n")
        asked = self._entrance.asked(line)
        headers = connection.headers(rest) if asked is not None else None
        if asked is None or headers is None:
            return False
        target = asked.target
        kind = self._entrance.kind(target)
        user = self._entrance.user(connection, target, headers) if kind is not None else None
        if kind is None or user is None:
            return False
        key = f"{target.namespace}/{target.name}" if target.namespace else target.name
        collection = self._cache.collection(kind.stored_as)
        seat = self._entrance.seat(user, asked) if key in collection.entries else None
        if seat is None:
            return False
        read = _Read(connection, data, asked, collection, key, seat, self._metrics)
        if asked.query:
            read.answer(None)
        else:
            self._cache.freshness().add_done_callback(read.answer)
        return True


class _Read:
    """A request that was taken."""

    __slots__ = ("_asked", "_began", "_collection", "_connection", "_data", "_key", "_lane", "_metrics", "_seat")

    def __init__(
        self, connection: Connection, data: bytes, asked: Asked, collection: Collection, key: str, seat: Seat, metrics: Metrics
    ) -> None:
        self._connection, self._data, self._asked, self._collection, self._key = connection, data, asked, collection, key
        self._seat, self._metrics = seat, metrics
        self._lane = metrics.began(asked.target)
        self._began = connection.begin()

    def answer(self, fresh: asyncio.Future[None] | None) -> None:
        """`fresh` None: whatever the cache has is wanted."""
        connection, target = self._connection, self._asked.target
        self._seat.leave()
        self._metrics.ended(self._lane)
        failed = fresh is not None and (fresh.cancelled() or fresh.exception() is not None)
        entry = None if failed else self._collection.entries.get(self._key)
        transport = connection.transport
        if transport is None:
            self._metrics.request(target, 499, connection.end(self._began))
        elif entry is None or len(entry.data) > BODY_BYTES:
            connection.end(self._began, self._data)
        else:
            headers = {**JSON_HEADERS, **UNCACHED, "Audit-Id": random_uuid(), **self._seat.headers}
            transport.write(head_of(200, "OK", len(entry.data), headers.items()) + entry.data)
            self._metrics.request(target, 200, connection.end(self._began))

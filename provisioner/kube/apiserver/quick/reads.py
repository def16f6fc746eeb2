"""The short way of reads as JSON: GET of one object, and of a list or a page of one that fits into a few writes. They are read off the
connection's bytes and answered without a task, a request or a response object of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import random_uuid
from provisioner.kube.apiserver.app import JSON_HEADERS, UNCACHED, Seat
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.list_options import ListOptions, list_options
from provisioner.kube.apiserver.lists import Lists, Selection, encode_list, selection_of
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.quick.connections import Connection
from provisioner.kube.apiserver.quick.entrance import HEAD_BYTES, Asked, Entrance
from provisioner.kube.apiserver.replies import COMPRESSED_BYTES, SLICE_BYTES, Listed, cut, head_of
from provisioner.kube.storage.cache import WatchCache

# A larger answer takes the long way, which lets others in between its pieces.
BODY_BYTES = 1024 * 1024
LIST_OBJECTS = 1000

Body = bytes | Listed


class QuickReads:
    """What the short way needs of the server; one for all its connections."""

    def __init__(self, entrance: Entrance, cache: WatchCache, lists: Lists, metrics: Metrics) -> None:
        self._entrance, self._cache, self._lists, self._metrics = entrance, cache, lists, metrics

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
        body = self._object(kind, asked) if target.name else self._list(kind, asked)
        seat = self._entrance.seat(user, asked) if body is not None else None
        if body is None or seat is None:
            return False
        read = _Read(connection, data, asked, body, headers, seat, self._metrics)
        if "resourceVersion" in asked.query or "continue" in asked.query:
            read.answer(None)
        else:
            self._cache.freshness().add_done_callback(read.answer)
        return True

    def _object(self, kind: Kind, asked: Asked) -> Callable[[], Body | None] | None:
        """What gives the object's bytes when it is time; None where there is no such object now."""
        target = asked.target
        key = f"{target.namespace}/{target.name}" if target.namespace else target.name
        entries = self._cache.collection(kind.stored_as).entries
        return (lambda: entries[key].data if key in entries else None) if key in entries else None

    def _list(self, kind: Kind, asked: Asked) -> Callable[[], Body | None] | None:
        try:
            selection, options = selection_of(kind, asked.target.namespace, "", {}), list_options(asked.query)
        except StatusError:
            return None
        if not options.limit and not asked.target.namespace and len(self._cache.collection(kind.stored_as).entries) > LIST_OBJECTS:
            # It would be put together here only to be found too long.
            return None
        return lambda: self._listed(kind, selection, options)

    def _listed(self, kind: Kind, selection: Selection, options: ListOptions) -> Body | None:
        try:
            page = self._lists.at_hand(kind, selection, options)
        except StatusError:
            return None
        return encode_list(kind, page) if page is not None and len(page.entries) <= LIST_OBJECTS else None


class _Read:
    """A request that was taken."""

    __slots__ = ("_asked", "_began", "_body", "_connection", "_data", "_headers", "_lane", "_metrics", "_seat")

    def __init__(
        self,
        connection: Connection,
        data: bytes,
        asked: Asked,
        body: Callable[[], Body | None],
        headers: Mapping[str, str],
        seat: Seat,
        metrics: Metrics,
    ) -> None:
        self._connection, self._data, self._asked, self._body, self._headers = connection, data, asked, body, headers
        self._seat, self._metrics = seat, metrics
        self._lane = metrics.began(asked.target)
        self._began = connection.begin()

    def answer(self, fresh: asyncio.Future[None] | None) -> None:
        """`fresh` None: whatever the cache has is wanted."""
        connection, target = self._connection, self._asked.target
        self._seat.leave()
        self._metrics.ended(self._lane)
        failed = fresh is not None and (fresh.cancelled() or fresh.exception() is not None)
        body = None if failed else self._body()
        transport = connection.transport
        if transport is None:
            self._metrics.request(target, 499, connection.end(self._began))
        elif (
            body is None
            or (length := len(body)) > BODY_BYTES
            or (length > COMPRESSED_BYTES and self._is_compressed())
            # Who asks faster than they read are waited for on the long way.
            or transport.get_write_buffer_size() > BODY_BYTES
        ):
            connection.end(self._began, self._data)
        else:
            headers = {**JSON_HEADERS, **UNCACHED, "Audit-Id": random_uuid(), **self._seat.headers}
            head = head_of(200, "OK", length, headers.items())
            if length <= SLICE_BYTES:
                transport.write(head + (body if isinstance(body, bytes) else body.whole()))
            else:
                for piece in cut(head, body) if isinstance(body, bytes) else body.slices(head):
                    transport.write(piece)
            self._metrics.request(target, 200, connection.end(self._began), size=length)

    def _is_compressed(self) -> bool:
        return "gzip" in self._headers.get("Accept-Encoding", "")

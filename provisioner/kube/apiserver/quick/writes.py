"""The short way of small writes as JSON: create, update and patch of an object whose body came with its head. They are read off the
connection's bytes and answered in one write; what is done about them is `writes`, as on the long way.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus

import msgspec

from provisioner.kube.api.errors import StatusError
from provisioner.kube.api.meta import random_uuid
from provisioner.kube.apiserver.app import (
    FORESEEN,
    JSON_HEADERS,
    UNCACHED,
    Seat,
    crashed,
    manager_of,
    refusal_headers,
    refusal_of,
    warning_header,
)
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.quick.connections import Connection
from provisioner.kube.apiserver.quick.entrance import HEAD_BYTES, Entrance
from provisioner.kube.apiserver.replies import head_of, one_line
from provisioner.kube.apiserver.writes import Writes, is_apply

log = logging.getLogger(__name__)

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *([0-9]{1,8})(?=\r\n)")
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class QuickWrites:
    """What the short way needs of the server; one for all its connections."""

    def __init__(self, entrance: Entrance, writes: Writes, metrics: Metrics) -> None:
        self._entrance, self._writes, self._metrics = entrance, writes, metrics

    def begin(self, connection: Connection, data: bytes) -> bool:
        """As ShortWay."""
        end = data.find(b"\r\n\r\n", 0, HEAD_BYTES)
        length = _LENGTH.search(data, 0, end + 2) if end > 0 else None
        if length is None or int(length[1]) != len(data) - end - 4:
            return False
        line, _, first = data[: length.start() + 2].partition(b"\r\n")
        asked = self._entrance.asked(line)
        # Without the length heads are alike, and another one is an unknown header.
        headers = connection.headers(first + data[length.end() + 2 : end + 2]) if asked is not None else None
        if asked is None or headers is None:
            return False
        target = asked.target
        kind = self._entrance.kind(target)
        user = self._entrance.user(connection, target, headers) if kind is not None else None
        seat = self._entrance.seat(user, asked) if user is not None else None
        if kind is None or user is None or seat is None:
            return False
        call = Call(user, target, asked.query, field_manager=manager_of(asked.query, headers), audit_id=random_uuid())
        media = headers.get("Content-Type")
        write = _Write(connection, call, seat, self._metrics, is_apply(media))
        connection.work(write.answer(self._writes, kind, data[end + 4 :], media)).add_done_callback(write.end)
        return True


class _Write:
    """A request that was taken."""

    __slots__ = ("_applies", "_began", "_call", "_connection", "_lane", "_metrics", "_seat")

    def __init__(self, connection: Connection, call: Call, seat: Seat, metrics: Metrics, applies: bool) -> None:
        self._connection, self._call, self._seat, self._metrics, self._applies = connection, call, seat, metrics, applies
        self._lane = metrics.began(call.target)
        self._began = connection.begin()

    async def answer(self, writes: Writes, kind: Kind, body: bytes, media: str | None) -> tuple[int, bytes]:
        """(status, answer)."""
        call = self._call
        known = {"Audit-Id": call.audit_id, **self._seat.headers}
        try:
            data, status = await writes.answer(kind, call, body, media)
        except FORESEEN as error:
            return _refused(refusal_of(error), known)
        except Exception as error:
            log.exception("request crashed verb=%s path=%s", call.target.verb, call.target.path)
            return _refused(crashed(error), known)
        headers = [*JSON_HEADERS.items(), *UNCACHED.items(), *known.items()]
        headers += [("Warning", one_line(warning_header(warning))) for warning in call.warnings]
        return _answer(status, headers, data)

    def end(self, task: asyncio.Task[tuple[int, bytes]]) -> None:
        """Whatever has become of it: the task is cancelled when its client leaves."""
        connection = self._connection
        self._seat.leave()
        self._metrics.ended(self._lane)
        status, answer = (499, b"") if task.cancelled() else task.result()
        if connection.transport is not None and answer:
            connection.transport.write(answer)
        self._metrics.request(self._call.target, status, connection.end(self._began), applies=self._applies)


def _refused(error: StatusError, known: Mapping[str, str]) -> tuple[int, bytes]:
    return _answer(error.code, refusal_headers(error, known).items(), msgspec.json.encode(error.to_status()))


def _answer(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
    return status, head_of(status, _REASONS.get(status, ""), len(body), headers) + body

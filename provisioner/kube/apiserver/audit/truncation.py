"""Audit events that are too large for a backend (--audit-log-truncate-enabled, --audit-webhook-truncate-enabled): first without the bodies, then not at all."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

import msgspec

log = logging.getLogger(__name__)

# Upstream's --audit-*-truncate-max-event-size and --audit-*-truncate-max-batch-size.
EVENT_BYTES, BATCH_BYTES = 100 * 1024, 10 * 1024 * 1024
ANNOTATION = "audit.k8s.io/truncated"
_BODIES = ("requestObject", "responseObject")


Stored = bool | asyncio.Future[bool]


class Backend(Protocol):
    """`write` says whether the event is stored, or on its way; a future will say it of one that a request has to wait for."""

    def write(self, line: bytes) -> Stored: ...
    async def close(self) -> None: ...


class Truncating:
    """Writes to another backend what has at most `limit` bytes."""

    def __init__(self, backend: Backend, limit: int) -> None:
        self._backend, self._limit = backend, limit
        self.dropped = 0

    def write(self, line: bytes) -> Stored:
        """What is too large is dropped on purpose: that is no failure."""
        kept = line if len(line) <= self._limit else truncated(line)
        if len(kept) <= self._limit:
            return self._backend.write(kept)
        self.dropped += 1
        log.warning("audit event is too large even without bodies bytes=%d limit=%d dropped=%d", len(kept), self._limit, self.dropped)
        return True

    async def close(self) -> None:
        await self._backend.close()


def truncated(line: bytes) -> bytes:
    """The event without its bodies, which says so."""
    event = msgspec.json.decode(line)
    for field in _BODIES:
        event.pop(field, None)
    event.setdefault("annotations", {})[ANNOTATION] = "true"
    return msgspec.json.encode(event) + b"\n"

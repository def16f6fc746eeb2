"""Audit events to somebody else's server (--audit-webhook-config-file): lists of them, posted in batches beside the requests.

The buffer is bounded: events that find it full are dropped and counted, as upstream does in its mode "batch". In the modes "blocking" and
"blocking-strict" a request waits until its events have arrived.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from provisioner.kube.client.kubeconfig import ClusterAccess
from provisioner.kube.client.tasks import spawn, stop

log = logging.getLogger(__name__)

# Upstream's --audit-webhook-batch-buffer-size, -max-size, -max-wait, -throttle-qps, -throttle-burst, --audit-webhook-initial-backoff.
BUFFER, BATCH, WAIT_S, QPS, BURST, BACKOFF_S = 10_000, 400, 30.0, 10.0, 15, 10.0
# How long one post may take.
POST_S = 30.0
TRIES = 5
# How long the stop waits for what is on its way.
CLOSE_S = 5.0
HEAD = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['


@dataclass(frozen=True, slots=True)
class Batching:
    buffer: int = BUFFER
    size: int = BATCH
    wait_s: float = WAIT_S
    backoff_s: float = BACKOFF_S
    # 0: no limit
    max_bytes: int = 0
    # Lists sent in a second, None for any number, and how many at once after a pause.
    qps: float | None = QPS
    burst: int = BURST


class Posts:
    """Lists of events to the server."""

    def __init__(self, access: ClusterAccess, backoff_s: float) -> None:
        self._access, self._backoff_s = access, backoff_s
        self._session: aiohttp.ClientSession | None = None

    async def send(self, events: Sequence[bytes]) -> bool:
        """Whether the server has taken them, at the latest try."""
        for attempt in range(TRIES):
            try:
                await self.once(events)
                return True
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                log.warning(
                    "audit webhook failed server=%s try=%d: %s", self._access.server, attempt + 1, str(error) or type(error).__name__
                )
                if attempt < TRIES - 1:
                    await asyncio.sleep(self._backoff_s * 2**attempt)
        return False

    async def once(self, events: Sequence[bytes]) -> None:
        """Raises aiohttp.ClientError, OSError, TimeoutError."""
        if self._session is None:
            context = self._access.ssl_context()
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context if context is not None else True))
        headers = {"Content-Type": "application/json"}
        if self._access.token:
            headers["Authorization"] = f"Bearer {self._access.token}"
        async with self._session.post(
            self._access.server,
            data=HEAD + b",".join(events) + b"]}",
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=POST_S),
            allow_redirects=False,
        ) as answer:
            if answer.status >= 300:
                raise aiohttp.ClientError(f"status {answer.status}")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class Blocking:
    """Each event by itself, and the request waits for it (--audit-webhook-mode=blocking)."""

    def __init__(self, access: ClusterAccess, backoff_s: float) -> None:
        self._posts = Posts(access, backoff_s)
        self._running: set[asyncio.Task[bool]] = set()

    def write(self, line: bytes) -> asyncio.Future[bool]:
        task = spawn("audit post", self._posts.send([line]))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSE_S)
        await stop(*self._running)
        await self._posts.close()


class Webhook:
    """Made inside the running loop."""

    def __init__(self, access: ClusterAccess, batching: Batching) -> None:
        self._batching, self._posts = batching, Posts(access, batching.backoff_s)
        self._waiting: deque[bytes] = deque()
        self._full = asyncio.Event()
        self.dropped = 0
        # What may be sent at once, and since when more of it has come.
        self._tokens, self._since = float(batching.burst), asyncio.get_running_loop().time()
        self._task = spawn("audit webhook", self._run())

    def write(self, line: bytes) -> bool:
        if len(self._waiting) >= self._batching.buffer:
            self.dropped += 1
            if self.dropped == 1 or self.dropped % 1000 == 0:
                log.error("audit webhook is behind: events dropped=%d", self.dropped)
            return False
        self._waiting.append(line)
        if len(self._waiting) >= self._batching.size:
            self._full.set()
        return True

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._batching.wait_s):
                    await self._full.wait()
            except TimeoutError:
                pass
            self._full.clear()
            while self._waiting:
                await self._turn()
                await self._send()

    async def _turn(self) -> None:
        """Until one more list may be sent."""
        qps = self._batching.qps
        if qps is None:
            return
        now = asyncio.get_running_loop().time()
        self._tokens, self._since = min(self._tokens + (now - self._since) * qps, float(self._batching.burst)), now
        self._tokens -= 1
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / qps)

    async def _send(self) -> None:
        batch = self._taken()
        if not await self._posts.send(batch):
            self.dropped += len(batch)

    def _taken(self) -> list[bytes]:
        """What is sent next: one event at least, and as many more as a batch may have."""
        batch = [self._waiting.popleft()]
        length = len(batch[0])
        while self._waiting and len(batch) < self._batching.size:
            length += len(self._waiting[0])
            if self._batching.max_bytes and length > self._batching.max_bytes:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def close(self) -> None:
        """What waits goes out, once."""
        await stop(self._task)
        try:
            if self._waiting:
                async with asyncio.timeout(CLOSE_S):
                    await self._posts.once(list(self._waiting))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("audit webhook failed at the stop, events lost=%d: %s", len(self._waiting), error)
        await self._posts.close()

"""The worker loop: takes keys from a queue and reconciles them, so that no single failure ends the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from provisioner.kube.api.errors import StatusError
from provisioner.kube.client.client import ConnectionFailed
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.client.workqueue import QueueClosed, WorkQueue

log = logging.getLogger(__name__)

Reconcile = Callable[[str], Awaitable[float | None]]


async def run_workers(name: str, queue: WorkQueue, reconcile: Reconcile, *, workers: int = 2) -> None:
    """Work until the queue is closed or we are cancelled.

    `reconcile(key)` may be called for a key that no longer exists, and again at any time. A number that it returns asks for another
    look after that many seconds. An error puts the key back with its backoff: API conflicts quietly, everything else with a log line.
    """
    tasks = [spawn(f"{name} worker {number}", _work(name, queue, reconcile)) for number in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        await stop(*tasks)


async def _work(name: str, queue: WorkQueue, reconcile: Reconcile) -> None:
    while True:
        try:
            key = await queue.get()
        except QueueClosed:
            return
        try:
            again_s = await reconcile(key)
        except Exception as error:  # noqa: BLE001  # the worker loop is one of the three places that catch everything
            _log(name, key, error, queue.retries(key))
            queue.add_rate_limited(key)
        else:
            queue.forget(key)
            if again_s is not None:
                queue.add_after(key, again_s)
        finally:
            queue.done(key)


def _log(name: str, key: str, error: Exception, retries: int) -> None:
    if isinstance(error, StatusError) and error.code == 409:
        log.debug("reconcile conflict controller=%s key=%s: %s", name, key, error.message)
    elif isinstance(error, StatusError | ConnectionFailed):
        log.warning("reconcile failed controller=%s key=%s retries=%d: %s", name, key, retries, error)
    else:
        log.error("reconcile crashed controller=%s key=%s retries=%d error=%r", name, key, retries, error, exc_info=error)

"""Ends this node's pods in order when the host shuts down (graceful node shutdown): least important first, each group in its own time.

Source: KubeletConfiguration's shutdownGracePeriod, shutdownGracePeriodCriticalPods and shutdownGracePeriodByPodPriority. Off where they are
zero, as upstream. That the host shuts down is what systemd says of itself when it stops us, which it does before Docker: no shutdown needs
to be delayed by logind, and a host without logind shuts down as well as any other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from provisioner.kube.api._generated import core_v1

log = logging.getLogger(__name__)

REASON = "Terminated"
MESSAGE = "Pod was terminated in response to imminent node shutdown."
CRITICAL = 2_000_000_000
# Beyond a group's time: until Docker has killed what didn't end, and its status is written. Guess.
SLACK_S = 5.0
ASK_S = 5.0
FINAL = ("Failed", "Succeeded")


@dataclass(frozen=True, slots=True)
class Group:
    """Pods of this priority and up, to the next group's, have so many seconds."""

    priority: int
    seconds: int


class Ending(Protocol):
    """The node's pods. `evict` begins a pod's end and returns at once; `ended` waits until it is over and told of."""

    def all(self) -> Iterable[core_v1.Pod]: ...
    def evict(self, uid: str, message: str, grace_s: int, reason: str) -> None: ...
    async def ended(self, uid: str) -> None: ...


def in_groups(pods: Iterable[core_v1.Pod], groups: Sequence[Group]) -> list[tuple[Group, list[core_v1.Pod]]]:
    """Least important group first. A pod below the lowest priority is in the lowest group."""
    ordered = sorted(groups, key=lambda group: group.priority)
    found: list[tuple[Group, list[core_v1.Pod]]] = [(group, []) for group in ordered]
    for pod in pods:
        number = sum(group.priority <= (pod.spec.priority or 0) for group in ordered)
        found[max(0, number - 1)][1].append(pod)
    return found


async def host_is_stopping() -> bool:
    """Whether systemd is taking the whole host down, and not just us."""
    command = ("systemctl", "is-system-running")
    try:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    except OSError:
        return False
    try:
        async with asyncio.timeout(ASK_S):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    return said.strip() == b"stopping"


class Shutdown:
    """`run` is the daemon's stop hook. `begun` is true from then on: no pod is taken any more, and the node isn't ready."""

    def __init__(
        self,
        groups: Sequence[Group],
        pods: Ending,
        begins: Callable[[], None],
        is_stopping: Callable[[], Awaitable[bool]] = host_is_stopping,
    ) -> None:
        self._groups, self._pods, self._begins, self._is_stopping = groups, pods, begins, is_stopping
        self.begun = False

    @property
    def limit_s(self) -> float:
        """The longest that `run` takes; 0 where there is nothing to do."""
        return sum(group.seconds + SLACK_S for group in self._groups) + ASK_S if self._groups else 0.0

    async def run(self) -> None:
        if not self._groups or not await self._is_stopping():
            return
        self.begun = True
        self._begins()
        log.info("host shuts down: ending pods seconds=%d", sum(group.seconds for group in self._groups))
        running = [pod for pod in self._pods.all() if pod.status.phase not in FINAL]
        for group, pods in in_groups(running, self._groups):
            uids = [pod.metadata.uid or "" for pod in pods]
            for uid in uids:
                self._pods.evict(uid, MESSAGE, group.seconds, REASON)
            try:
                async with asyncio.timeout(group.seconds + SLACK_S):
                    await asyncio.gather(*(self._pods.ended(uid) for uid in uids))
            except TimeoutError:
                log.warning("pods did not end in time priority=%d seconds=%d", group.priority, group.seconds)

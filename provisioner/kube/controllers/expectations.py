"""Expectations: creations and deletions that a controller has asked for and its informer has not shown yet.

Until they are seen, or too old, the controller doesn't act on what its stale store says, so that it never makes a pod twice.
"""

from __future__ import annotations

from provisioner.kube.client.clock import Clock

# Upstream's ExpectationsTimeout.
TIMEOUT_S = 300.0


class Expectations:
    """By the owner's key. Deletions are remembered by the pod's key, since one may be seen twice (terminating, then gone)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._creations: dict[str, int] = {}
        self._deletions: dict[str, set[str]] = {}
        self._since: dict[str, float] = {}

    def fulfilled(self, owner: str) -> bool:
        if self._creations.get(owner, 0) <= 0 and not self._deletions.get(owner):
            return True
        return self._clock.monotonic() - self._since.get(owner, 0.0) > TIMEOUT_S

    def expect_creations(self, owner: str, count: int) -> None:
        self._creations[owner] = count
        self._deletions.pop(owner, None)
        self._since[owner] = self._clock.monotonic()

    def expect_deletions(self, owner: str, pods: set[str]) -> None:
        self._creations.pop(owner, None)
        self._deletions[owner] = set(pods)
        self._since[owner] = self._clock.monotonic()

    def expect_more_creations(self, owner: str, count: int) -> None:
        """Beside the deletions that are expected already."""
        self._creations[owner] = count
        self._since[owner] = self._clock.monotonic()

    def created(self, owner: str) -> None:
        if self._creations.get(owner, 0) > 0:
            self._creations[owner] -= 1

    def deleted(self, owner: str, pod: str) -> None:
        self._deletions.get(owner, set()).discard(pod)

    def forget(self, owner: str) -> None:
        for known in (self._creations, self._deletions, self._since):
            known.pop(owner, None)

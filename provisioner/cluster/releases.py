"""The bundles of one run: which each host gets, by its Python and architecture."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from provisioner.cluster.systems import SYSTEMS
from provisioner.release import bundle
from provisioner.release.bundle import Bundle
from provisioner.release.target import HERE, Target, Tell


class Releases:
    """Builds one after the other in a thread of its own (`pool`, of one worker): this computer's kind before it is known who needs it."""

    def __init__(self, wanted: str, pool: ThreadPoolExecutor, tell: Tell) -> None:
        """`wanted`: a release that was built before; empty: this command's own code."""
        self._wanted = wanted
        self._pool = pool
        self._tell = tell
        likely = not wanted and HERE.is_here and HERE.python in [system.python for system in SYSTEMS]
        self._begun = {HERE: pool.submit(self._build, HERE)} if likely else {}

    def of(self, targets: Mapping[str, Target]) -> dict[str, Bundle]:
        """By host. Raises ReleaseError."""
        for target in sorted(set(targets.values()) - self._begun.keys()):
            self._begun[target] = self._pool.submit(self._build, target)
        return {host: self._begun[target].result() for host, target in targets.items()}

    def _build(self, target: Target) -> Bundle:
        return bundle.kept(self._wanted, target=target) if self._wanted else bundle.ensure(target=target, tell=self._tell)

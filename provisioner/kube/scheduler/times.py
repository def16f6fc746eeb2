"""How long scheduling takes, as upstream's series of these names tell it (buckets too)."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.kube.client.series import Histogram, Sample, exponential


class Times:
    """Seconds each."""

    def __init__(self) -> None:
        self._attempt = Histogram("scheduler_scheduling_attempt_duration_seconds", exponential(0.001, 2, 15))
        self._algorithm = Histogram("scheduler_scheduling_algorithm_duration_seconds", exponential(0.001, 2, 15))
        self._whole = Histogram("scheduler_pod_scheduling_sli_duration_seconds", exponential(0.01, 2, 20))
        self._attempts = Histogram("scheduler_pod_scheduling_attempts", (1, 2, 4, 8, 16))
        self._victims = Histogram("scheduler_preemption_victims", exponential(1, 2, 7))

    def decided(self, took_s: float) -> None:
        """Where a pod goes, or that it goes nowhere."""
        self._algorithm.observe(took_s)

    def attempted(self, result: str, profile: str, took_s: float) -> None:
        """One attempt, with its binding: scheduled, unschedulable or error."""
        self._attempt.observe(took_s, profile=profile, result=result)

    def scheduled(self, attempts: int, took_s: float) -> None:
        """A pod was bound, since it was first seen."""
        self._attempts.observe(attempts)
        # Upstream: more than fifteen are told as one.
        self._whole.observe(took_s, attempts=str(attempts) if attempts < 16 else "16+")

    def made_room(self, victims: int) -> None:
        self._victims.observe(victims)

    def samples(self) -> Iterable[Sample]:
        for one in (self._attempt, self._algorithm, self._whole, self._attempts, self._victims):
            yield from one.samples()

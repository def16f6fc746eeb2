"""How long admission takes: its steps, its plug-ins, webhooks of others. Source: "Kubernetes Metrics Reference" (apiserver_admission_…)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import TypeVar

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from provisioner.kube.apiserver.metrics import put_into
from provisioner.kube.client.series import Spread

K = TypeVar("K", bound=Hashable)

# Upstream's buckets, in seconds.
_OWN_S = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_WEBHOOK_S = (*_OWN_S, 10, 25)
# Operation, and "admit" or "validate".
Step = tuple[str, str]


@dataclass(slots=True)
class Tally:
    """Runs of a step in which no plug-in took longer than the first bucket has: most of them, so they are counted together."""

    step: Step
    names: tuple[str, ...]
    runs: int = 0
    total: float = 0.0
    seconds: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.seconds = [0.0] * len(self.names)


class Times(Collector):
    """One for all requests of a server."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[Step, tuple[str, ...]], Tally] = {}
        self._steps: dict[tuple[str, str, bool], Spread] = {}
        self._plugins: dict[tuple[str, str, str, bool], Spread] = {}
        self._webhooks: dict[tuple[str, str, str, bool], Spread] = {}
        self._rejections: dict[tuple[str, str, str, str, str], int] = {}

    def tally(self, operation: str, kind: str, names: tuple[str, ...]) -> Tally:
        """For a step of these plug-ins; one without a name isn't told of."""
        key = ((operation, kind), names)
        if key not in self._tallies:
            self._tallies[key] = Tally(*key)
        return self._tallies[key]

    def took(self, tally: Tally, names: Sequence[str], marks: Sequence[float], *, rejected: bool) -> None:
        """A step whose plug-ins `names` ended at `marks`, the first of which is its begin. Who rejected it is the last."""
        operation, kind = tally.step
        _spread(self._steps, (operation, kind, rejected), _OWN_S).add(marks[-1] - marks[0])
        for place, name in enumerate(names):
            if name:
                last = rejected and place == len(names) - 1
                _spread(self._plugins, (name, operation, kind, last), _OWN_S).add(marks[place + 1] - marks[place])

    def webhook(self, name: str, step: Step, seconds: float, *, rejected: bool) -> None:
        _spread(self._webhooks, (name, *step, rejected), _WEBHOOK_S).add(seconds)

    def rejection(self, name: str, step: Step, error_type: str, code: int) -> None:
        """A webhook has refused a request ("no_error", with its code) or could not be asked ("calling_webhook_error")."""
        key = (name, *step, error_type, str(code))
        self._rejections[key] = self._rejections.get(key, 0) + 1

    def collect(self) -> Iterator[Metric]:
        labels = ("operation", "type", "rejected")
        every_step, every_plugin = _copied(self._steps), _copied(self._plugins)
        for tally in self._tallies.values():
            if not tally.runs:
                continue
            _spread(every_step, (*tally.step, False), _OWN_S).add_least(tally.runs, tally.total)
            for name, seconds in zip(tally.names, tally.seconds, strict=True):
                if name:
                    _spread(every_plugin, (name, *tally.step, False), _OWN_S).add_least(tally.runs, seconds)
        steps = HistogramMetricFamily("apiserver_admission_step_admission_duration_seconds", "Seconds of all plug-ins", labels=labels)
        for (*names, rejected), spread in every_step.items():
            put_into(steps, [*names, str(rejected).lower()], spread)
        yield steps
        for part, text, found in (("controller", "a plug-in", every_plugin), ("webhook", "a webhook", self._webhooks)):
            family = f"apiserver_admission_{part}_admission_duration_seconds"
            taken = HistogramMetricFamily(family, f"Seconds of {text}", labels=("name", *labels))
            for (*names, rejected), spread in found.items():
                put_into(taken, [*names, str(rejected).lower()], spread)
            yield taken
        refused = ("name", "operation", "type", "error_type", "rejection_code")
        # A counter; the library would call it ..._count_total.
        rejections = GaugeMetricFamily("apiserver_admission_webhook_rejection_count", "Refusals of webhooks", labels=refused)
        for key, count in self._rejections.items():
            rejections.add_metric(key, count)
        yield rejections


class Timed:
    """A step of one request, which is rejected where it ends with an error. `done` is called as each plug-in has had its say."""

    __slots__ = ("_marks", "_more", "_tally", "_times")

    def __init__(self, times: Times, tally: Tally) -> None:
        self._times, self._tally = times, tally
        self._more: list[str] = []

    def __enter__(self) -> Timed:
        self._marks = [perf_counter()]
        return self

    def done(self) -> None:
        self._marks.append(perf_counter())

    def again(self, name: str) -> None:
        """That plug-in has its turn once more, after all others."""
        self._more.append(name)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        marks, tally = self._marks, self._tally
        if kind is None and not self._more and (whole := marks[-1] - marks[0]) <= _OWN_S[0]:
            tally.runs += 1
            tally.total += whole
            seconds = tally.seconds
            for place, since in enumerate(marks[:-1]):
                seconds[place] += marks[place + 1] - since
            return
        if kind is not None:
            marks.append(perf_counter())
        names = (*tally.names, *self._more)[: len(marks) - 1]
        self._times.took(tally, names, marks, rejected=kind is not None)


def _copied(spreads: dict[K, Spread]) -> dict[K, Spread]:
    return {key: spread.copied() for key, spread in spreads.items()}


def _spread(spreads: dict[K, Spread], key: K, bounds: tuple[float, ...]) -> Spread:
    found = spreads.get(key)
    if found is None:
        found = spreads[key] = Spread(bounds)
    return found

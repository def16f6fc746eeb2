"""How long admission takes: its steps, its plug-ins, webhooks of others. Source: "Kubernetes Metrics Reference" (apiserver_admission_…)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from time import perf_counter
from types import TracebackType
from typing import TypeVar

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from provisioner.kube.apiserver.metrics import Spread

K = TypeVar("K", bound=Hashable)

# Upstream's buckets, in seconds.
_OWN_S = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_WEBHOOK_S = (*_OWN_S, 10, 25)
# Operation, and "admit" or "validate".
Step = tuple[str, str]


class Times(Collector):
    """One for all requests of a server."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str, bool], Spread] = {}
        self._plugins: dict[tuple[str, str, str, bool], Spread] = {}
        self._webhooks: dict[tuple[str, str, str, bool], Spread] = {}
        self._rejections: dict[tuple[str, str, str, str, str], int] = {}

    def step(self, operation: str, kind: str) -> Timed:
        return Timed(self, (operation, kind))

    def stepped(self, step: Step, seconds: float, *, rejected: bool) -> None:
        _spread(self._steps, (*step, rejected), _OWN_S).add(seconds)

    def plugin(self, name: str, step: Step, seconds: float, *, rejected: bool) -> None:
        _spread(self._plugins, (name, *step, rejected), _OWN_S).add(seconds)

    def webhook(self, name: str, step: Step, seconds: float, *, rejected: bool) -> None:
        _spread(self._webhooks, (name, *step, rejected), _WEBHOOK_S).add(seconds)

    def rejection(self, name: str, step: Step, error_type: str, code: int) -> None:
        """A webhook has refused a request ("no_error", with its code) or could not be asked ("calling_webhook_error")."""
        key = (name, *step, error_type, str(code))
        self._rejections[key] = self._rejections.get(key, 0) + 1

    def collect(self) -> Iterator[Metric]:
        labels = ("operation", "type", "rejected")
        steps = HistogramMetricFamily("apiserver_admission_step_admission_duration_seconds", "Seconds of all plug-ins", labels=labels)
        for (*names, rejected), spread in self._steps.items():
            spread.put_into(steps, [*names, str(rejected).lower()])
        yield steps
        for part, text, found in (("controller", "a plug-in", self._plugins), ("webhook", "a webhook", self._webhooks)):
            family = f"apiserver_admission_{part}_admission_duration_seconds"
            taken = HistogramMetricFamily(family, f"Seconds of {text}", labels=("name", *labels))
            for (*names, rejected), spread in found.items():
                spread.put_into(taken, [*names, str(rejected).lower()])
            yield taken
        refused = ("name", "operation", "type", "error_type", "rejection_code")
        # A counter; the library would call it ..._count_total.
        rejections = GaugeMetricFamily("apiserver_admission_webhook_rejection_count", "Refusals of webhooks", labels=refused)
        for key, count in self._rejections.items():
            rejections.add_metric(key, count)
        yield rejections


class Timed:
    """A step of one request, which is rejected where it ends with an error."""

    __slots__ = ("_began", "_name", "_since", "_step", "_times")

    def __init__(self, times: Times, step: Step) -> None:
        self._times, self._step, self._name = times, step, ""

    def __enter__(self) -> Timed:
        self._began = self._since = perf_counter()
        return self

    def turn_of(self, name: str) -> None:
        """The plug-in of that name has its say from now on, and the one before has had it. What has no name isn't told of."""
        self._had(rejected=False)
        self._name = name

    def _had(self, *, rejected: bool) -> None:
        now = perf_counter()
        if self._name:
            self._times.plugin(self._name, self._step, now - self._since, rejected=rejected)
        self._since = now

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._had(rejected=kind is not None)
        self._times.stepped(self._step, self._since - self._began, rejected=kind is not None)


def _spread(spreads: dict[K, Spread], key: K, bounds: tuple[float, ...]) -> Spread:
    found = spreads.get(key)
    if found is None:
        found = spreads[key] = Spread(bounds)
    return found

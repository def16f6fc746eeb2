"""The server's metrics, under upstream's names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from provisioner.kube import version
from provisioner.kube.apiserver.requests import Target

# Upstream's buckets of apiserver_request_duration_seconds, thinned to what a person looks at.
BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
# Series at most: paths that nobody serves must not fill the memory.
MAX_SERIES = 5000


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("verb", "group", "version", "resource", "subresource", "scope")
        self._answered: dict[tuple[str, ...], _Answered] = {}
        self.registry.register(_Requests(labels, self._answered))
        self._audit_events = Counter("apiserver_audit_event_total", "Audit events that were written", registry=self.registry)
        self._audit_levels = Counter("apiserver_audit_level_total", "Requests by audit level", ("level",), registry=self.registry)
        self._long_running = Gauge("apiserver_longrunning_requests", "Watches that are open", labels, registry=self.registry)
        self._etcd = Histogram(
            "etcd_request_duration_seconds", "Seconds to etcd's answer", ("operation",), registry=self.registry, buckets=BUCKETS
        )
        self._in_flight = {"readOnly": 0, "mutating": 0}
        ProcessCollector(registry=self.registry)
        build = Gauge("kubernetes_build_info", "What this is", ("major", "minor", "git_version"), registry=self.registry)
        build.labels(str(version.MAJOR), str(version.MINOR), version.VERSION).set(1)
        self.registry.register(_InFlight(self._in_flight))

    def began(self, target: Target) -> str:
        """A request is under way; `ended` takes what is returned."""
        kind = "readOnly" if target.verb in ("get", "list", "watch", "head") else "mutating"
        if target.verb == "watch":
            return ""
        self._in_flight[kind] += 1
        return kind

    def ended(self, kind: str) -> None:
        if kind:
            self._in_flight[kind] -= 1

    @contextmanager
    def watching(self, target: Target) -> Iterator[None]:
        """While a watch is open."""
        gauge = self._long_running.labels("WATCH", target.group, target.version, target.resource, target.subresource, _scope(target))
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    def etcd_answered(self, operation: str, seconds: float) -> None:
        self._etcd.labels(operation).observe(seconds)

    def request(self, target: Target, code: int, seconds: float) -> None:
        key = (target.verb, target.group, target.version, target.resource, target.subresource, _scope(target))
        answered = self._answered.get(key)
        if answered is None:
            if len(self._answered) >= MAX_SERIES:
                return
            answered = self._answered[key] = _Answered()
        answered.codes[code] = answered.codes.get(code, 0) + 1
        if target.verb != "watch":
            answered.seconds += seconds
            answered.buckets[bisect_left(BUCKETS, seconds)] += 1

    def add(self, source: Collector) -> None:
        """Series that are put into form only when somebody asks for them."""
        self.registry.register(source)

    def audit_event(self) -> None:
        self._audit_events.inc()

    def audit_level(self, level: str) -> None:
        self._audit_levels.labels(level).inc()

    def text(self, registry: CollectorRegistry | None = None) -> tuple[bytes, str]:
        """Of another registry than the server's."""
        return generate_latest(registry or self.registry), CONTENT_TYPE_LATEST


def _scope(target: Target) -> str:
    return "resource" if target.name else "namespace" if target.namespace else "cluster" if target.is_resource else ""


@dataclass(slots=True)
class _Answered:
    """Requests of one kind. Counted in plain numbers: the library's counters take locks, and there is one thread."""

    codes: dict[int, int] = field(default_factory=dict)
    # how many took at most each of BUCKETS and more than the one before; the last: longer than all
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


class _Requests(Collector):
    def __init__(self, labels: tuple[str, ...], answered: Mapping[tuple[str, ...], _Answered]) -> None:
        self._labels, self._answered = labels, answered

    def collect(self) -> Iterator[Metric]:
        total = CounterMetricFamily("apiserver_request_total", "Requests answered", labels=(*self._labels, "code"))
        duration = HistogramMetricFamily("apiserver_request_duration_seconds", "Seconds to the answer", labels=self._labels)
        bounds = [*map(str, BUCKETS), "+Inf"]
        for (verb, *rest), answered in self._answered.items():
            labels = [verb.upper(), *rest]
            for code, count in answered.codes.items():
                total.add_metric([*labels, str(code)], count)
            if verb != "watch":
                duration.add_metric(labels, list(zip(bounds, accumulate(answered.buckets), strict=True)), answered.seconds)
        yield total
        yield duration


class _InFlight(Collector):
    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("apiserver_current_inflight_requests", "Requests under way, without watches", labels=["request_kind"])
        for kind, count in self._counts.items():
            family.add_metric([kind], count)
        yield family


class StoredObjects(Collector):
    """How many objects of each resource there are. `counts` is asked when somebody scrapes: group/plural -> number."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        older = GaugeMetricFamily("apiserver_storage_objects", "Objects stored, by resource.group", labels=["resource"])
        newer = GaugeMetricFamily("apiserver_resource_objects", "Objects stored", labels=["group", "resource"])
        for stored_as, count in sorted(self._counts().items()):
            group, _, plural = stored_as.partition("/")
            group = "" if group == "core" else group
            older.add_metric([f"{plural}.{group}" if group else plural], count)
            newer.add_metric([group, plural], count)
        yield older
        yield newer

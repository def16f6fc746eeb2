"""The server's metrics, under upstream's names.

Source: "Kubernetes Metrics Reference", its stable series first. What each request counts is kept in plain numbers and put into form when
somebody asks: the library's counters take locks, and there is one thread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from provisioner.kube import version
from provisioner.kube.apiserver.requests import Target

# Series of when each counter began, which nobody upstream has.
disable_created_metrics()  # type: ignore[no-untyped-call]
# Upstream's buckets: of requests, in seconds; of answers, in bytes; of requests to etcd.
REQUEST_S = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
ANSWER_BYTES = tuple(10.0**power for power in range(3, 10))
ETCD_S = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
# Series at most: paths that nobody serves must not fill the memory.
MAX_SERIES = 5000
COMPONENT = "apiserver"
# Verbs as the series have them: HTTP's where upstream's routes have those.
_SHOWN = {"create": "POST", "update": "PUT"}


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answered: dict[tuple[str, ...], _Answered] = {}
        self.registry.register(_Requests(self._answered))
        self._audit_events = Counter("apiserver_audit_event_total", "Audit events that were written", registry=self.registry)
        self._audit_levels = Counter("apiserver_audit_level_total", "Requests by audit level", ("level",), registry=self.registry)
        labels = ("verb", "group", "version", "resource", "subresource", "scope", "component")
        self._long_running = Gauge("apiserver_longrunning_requests", "Watches and streams that are open", labels, registry=self.registry)
        self._etcd = Histogram(
            "etcd_request_duration_seconds", "Seconds to etcd's answer", ("operation",), registry=self.registry, buckets=ETCD_S
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
    def long_running(self, target: Target) -> Iterator[None]:
        """While a watch or a stream is open."""
        verb = target.verb.upper() if target.verb in ("watch", "get") else "CONNECT"
        asked = (target.group, target.version, target.resource, target.subresource, _scope(target))
        gauge = self._long_running.labels(verb, *asked, COMPONENT)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    def etcd_answered(self, operation: str, seconds: float) -> None:
        self._etcd.labels(operation).observe(seconds)

    def request(self, target: Target, code: int, seconds: float, *, size: int = 0, dry_run: bool = False, applies: bool = False) -> None:
        """One was answered. `size`: the answer's body in bytes, where known; `applies`: a patch that is an apply."""
        verb = "apply" if applies else target.verb
        key = (verb, target.group, target.version, target.resource, target.subresource, _scope(target), "All" if dry_run else "")
        answered = self._answered.get(key)
        if answered is None:
            if len(self._answered) >= MAX_SERIES:
                return
            answered = self._answered[key] = _Answered()
        answered.codes[code] = answered.codes.get(code, 0) + 1
        if verb != "watch":
            answered.seconds.add(seconds)
            if size and verb in ("get", "list"):
                answered.sizes.add(size)

    def follow_deprecated(self, removed_release: Callable[[str, str, str], str | None]) -> None:
        """`removed_release` is told group, version and plural: "1.N" when they go, "" where that isn't known, None where they stay."""
        self.registry.register(_Deprecated(self._answered, removed_release))

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
class Spread:
    """How many values are at most each of `bounds` and more than the one before; the last: more than all."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add_least(self, count: int, total: float) -> None:
        """So many values that are none above the first bound."""
        self.counts[0] += count
        self.total += total

    def copied(self) -> Spread:
        made = Spread(self.bounds)
        made.counts, made.total = list(self.counts), self.total
        return made

    def put_into(self, family: HistogramMetricFamily, labels: list[str]) -> None:
        """Bounds as Go writes them."""
        bounds = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
        family.add_metric(labels, list(zip(bounds, accumulate(self.counts), strict=True)), self.total)


@dataclass(slots=True)
class _Answered:
    """Requests of one kind."""

    codes: dict[int, int] = field(default_factory=dict)
    seconds: Spread = field(default_factory=lambda: Spread(REQUEST_S))
    sizes: Spread = field(default_factory=lambda: Spread(ANSWER_BYTES))


class _Requests(Collector):
    def __init__(self, answered: Mapping[tuple[str, ...], _Answered]) -> None:
        self._answered = answered

    def collect(self) -> Iterator[Metric]:
        labels = ("verb", "group", "version", "resource", "subresource", "scope", "component")
        total = CounterMetricFamily("apiserver_request_total", "Requests answered", labels=(*labels, "dry_run", "code"))
        duration = HistogramMetricFamily("apiserver_request_duration_seconds", "Seconds to the answer", labels=(*labels, "dry_run"))
        inside = HistogramMetricFamily("apiserver_request_sli_duration_seconds", "Seconds to the answer, webhooks' included", labels=labels)
        sizes = HistogramMetricFamily("apiserver_response_sizes", "Bytes of the answer", labels=labels)
        for (verb, *rest, dry_run), answered in self._answered.items():
            asked = [_SHOWN.get(verb) or verb.upper(), *rest, COMPONENT]
            for code, count in answered.codes.items():
                total.add_metric([*asked, dry_run, str(code)], count)
            if verb != "watch":
                answered.seconds.put_into(duration, [*asked, dry_run])
                if not dry_run:
                    answered.seconds.put_into(inside, asked)
            if answered.sizes.total:
                answered.sizes.put_into(sizes, asked)
        yield from (total, duration, inside, sizes)


class _Deprecated(Collector):
    def __init__(self, answered: Mapping[tuple[str, ...], _Answered], removed_release: Callable[[str, str, str], str | None]) -> None:
        self._answered, self._removed_release = answered, removed_release

    def collect(self) -> Iterator[Metric]:
        labels = ("group", "version", "resource", "subresource", "removed_release")
        family = GaugeMetricFamily("apiserver_requested_deprecated_apis", "Deprecated versions that were asked for", labels=labels)
        for group, version_, resource, subresource in sorted({asked[1:5] for asked in self._answered}):
            gone = self._removed_release(group, version_, resource) if resource else None
            if gone is not None:
                family.add_metric([group, version_, resource, subresource, gone], 1)
        yield family


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

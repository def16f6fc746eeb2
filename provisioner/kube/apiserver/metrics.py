"""The server's metrics, under upstream's names.

Source: "Kubernetes Metrics Reference", its stable series first. What each request counts is kept in plain numbers and put into form when
somebody asks: the library's counters take locks, and there is one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain

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
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from provisioner.kube import version
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.client.series import Spread

# Series of when each counter began, which nobody upstream has.
disable_created_metrics()  # type: ignore[no-untyped-call]
# Upstream's buckets of requests, in seconds, thinned to what people and their alerts look at; of answers, in bytes.
REQUEST_S = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10, 30, 60)
ANSWER_BYTES = tuple(10.0**power for power in range(3, 10))
# Series at most: paths that nobody serves must not fill the memory.
MAX_SERIES = 5000
COMPONENT = "apiserver"
# Verbs as the series have them: HTTP's where upstream's routes have those.
_SHOWN = {"create": "POST", "update": "PUT"}


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answered: dict[tuple[str, ...], _Answered] = {}
        self._audit_events = Counter("apiserver_audit_event_total", "Audit events that were written", registry=self.registry)
        self._audit_levels = Counter("apiserver_audit_level_total", "Requests by audit level", ("level",), registry=self.registry)
        labels = ("verb", "group", "version", "resource", "subresource", "scope", "component")
        self._long_running = Gauge("apiserver_longrunning_requests", "Watches and streams that are open", labels, registry=self.registry)
        self._etcd = Histogram(
            "etcd_request_duration_seconds", "Seconds to etcd's answer", ("operation",), registry=self.registry, buckets=REQUEST_S
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
                if answered.sizes is None:
                    answered.sizes = Spread(ANSWER_BYTES)
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
        """`registry`: another than the server's, which has the requests besides."""
        if registry is not None:
            return generate_latest(registry), CONTENT_TYPE_LATEST
        return generate_latest(self.registry) + "".join(_of_requests(self._answered)).encode(), CONTENT_TYPE_LATEST


def _scope(target: Target) -> str:
    return "resource" if target.name else "namespace" if target.namespace else "cluster" if target.is_resource else ""


def put_into(family: HistogramMetricFamily, labels: list[str], spread: Spread) -> None:
    family.add_metric(labels, spread.buckets(), spread.total)


def _lines(name: str, labels: str, spread: Spread) -> Iterator[str]:
    """In the text format, with labels that are written already."""
    for bound, count in spread.buckets():
        yield f'{name}_bucket{{{labels},le="{bound}"}} {count}\n'
    yield f"{name}_count{{{labels}}} {sum(spread.counts)}\n"
    yield f"{name}_sum{{{labels}}} {spread.total!r}\n"


@dataclass(slots=True)
class _Answered:
    """Requests of one kind."""

    codes: dict[int, int] = field(default_factory=dict)
    seconds: Spread = field(default_factory=lambda: Spread(REQUEST_S))
    sizes: Spread | None = None


def _of_requests(answered: Mapping[tuple[str, ...], _Answered]) -> Iterator[str]:
    """Their series as text: there are many of them, and the library would make several objects of each line."""
    counts: list[str] = ["# HELP apiserver_request_total Requests answered\n# TYPE apiserver_request_total counter\n"]
    durations = [_titled("apiserver_request_duration_seconds", "Seconds to the answer")]
    inside = [_titled("apiserver_request_sli_duration_seconds", "Seconds to the answer, webhooks' included")]
    sizes = [_titled("apiserver_response_sizes", "Bytes of the answer")]
    for (verb, *rest, dry_run), found in answered.items():
        group, version_, resource, subresource, scope = map(_quoted, rest)
        asked = f'component="{COMPONENT}",group="{group}",resource="{resource}",scope="{scope}",subresource="{subresource}"'
        asked += f',verb="{_SHOWN.get(verb) or _quoted(verb.upper())}",version="{version_}"'
        told = f'{asked},dry_run="{dry_run}"'
        counts += [f'apiserver_request_total{{{told},code="{code}"}} {count}\n' for code, count in found.codes.items()]
        if verb != "watch":
            durations += _lines("apiserver_request_duration_seconds", told, found.seconds)
            if not dry_run:
                inside += _lines("apiserver_request_sli_duration_seconds", asked, found.seconds)
        if found.sizes is not None:
            sizes += _lines("apiserver_response_sizes", asked, found.sizes)
    return chain(counts, durations, inside, sizes)


def _titled(name: str, text: str) -> str:
    return f"# HELP {name} {text}\n# TYPE {name} histogram\n"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


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

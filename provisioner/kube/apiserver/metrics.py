"""The server's metrics, under upstream's names."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.registry import Collector

from provisioner.kube.apiserver.requests import Target

# Upstream's buckets of apiserver_request_duration_seconds, thinned to what a person looks at.
BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
# Series at most: paths that nobody serves must not fill the memory.
MAX_SERIES = 5000


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("verb", "group", "version", "resource", "subresource", "scope")
        self._total = Counter("apiserver_request_total", "Requests answered", (*labels, "code"), registry=self.registry)
        self._duration = Histogram(
            "apiserver_request_duration_seconds", "Seconds to the answer", labels, registry=self.registry, buckets=BUCKETS
        )
        # labels -> (counter, histogram) of their series: finding a series anew costs more than counting
        self._series: dict[tuple[str, ...], tuple[Counter, Histogram]] = {}
        self._audit_events = Counter("apiserver_audit_event_total", "Audit events that were written", registry=self.registry)
        self._audit_levels = Counter("apiserver_audit_level_total", "Requests by audit level", ("level",), registry=self.registry)
        self.watchers = Gauge("apiserver_longrunning_requests", "Watches that are open", registry=self.registry)

    def request(self, target: Target, code: int, seconds: float) -> None:
        scope = "resource" if target.name else "namespace" if target.namespace else "cluster" if target.is_resource else ""
        key = (target.verb, target.group, target.version, target.resource, target.subresource, scope, str(code))
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= MAX_SERIES:
                return
            labels = (key[0].upper(), *key[1:6])
            series = self._series[key] = (self._total.labels(*labels, key[6]), self._duration.labels(*labels))
        series[0].inc()
        if target.verb != "watch":
            series[1].observe(seconds)

    def add(self, source: Collector) -> None:
        """Series that are put into form only when somebody asks for them."""
        self.registry.register(source)

    def audit_event(self) -> None:
        self._audit_events.inc()

    def audit_level(self, level: str) -> None:
        self._audit_levels.labels(level).inc()

    def text(self) -> tuple[bytes, str]:
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

"""The server's metrics, under upstream's names."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from provisioner.kube.apiserver.requests import Target

# Upstream's buckets of apiserver_request_duration_seconds, thinned to what a person looks at.
BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("verb", "group", "version", "resource", "subresource", "scope")
        self._total = Counter("apiserver_request_total", "Requests answered", (*labels, "code"), registry=self.registry)
        self._duration = Histogram(
            "apiserver_request_duration_seconds", "Seconds to the answer", labels, registry=self.registry, buckets=BUCKETS
        )
        self.watchers = Gauge("apiserver_longrunning_requests", "Watches that are open", registry=self.registry)

    def request(self, target: Target, code: int, seconds: float) -> None:
        scope = "resource" if target.name else "namespace" if target.namespace else "cluster" if target.is_resource else ""
        labels = (target.verb.upper(), target.group, target.version, target.resource, target.subresource, scope)
        self._total.labels(*labels, str(code)).inc()
        if target.verb != "watch":
            self._duration.labels(*labels).observe(seconds)

    def text(self) -> tuple[bytes, str]:
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

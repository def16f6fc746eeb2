"""What kube-proxy tells of itself: /healthz and /livez in upstream's form, /proxyMode, and upstream's main series on /metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec
from aiohttp import web

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client import series
from provisioner.kube.client.clock import Clock, SystemClock
from provisioner.kube.client.series import Histogram, Sample, exponential

# A node that the cluster's autoscaler is about to remove is to get no new connections from balancers (upstream's KEP-3836).
LEAVING = "ToBeDeletedByClusterAutoscaler"


def is_eligible(node: core_v1.Node | None) -> bool:
    """Whether balancers may send to this node."""
    if node is None:
        return True
    return node.metadata.deletion_timestamp is None and all(taint.key != LEAVING for taint in node.spec.taints or ())


class Report:
    """Counts, and answers for them; the counts are among what /metrics tells."""

    def __init__(self, eligible: Callable[[], bool], clock: Clock | None = None) -> None:
        self._eligible = eligible
        self._clock = clock or SystemClock()
        self._updated = self._clock.now()
        self._took_s = Histogram("kubeproxy_sync_proxy_rules_duration_seconds", exponential(0.001, 2, 15))
        self._failures = 0
        self._answers: dict[tuple[str, int], int] = {}
        self.service_changes = 0
        self.endpoint_changes = 0
        series.tell(self)

    def synced(self, duration_s: float, well: bool) -> None:
        """A change went into the kernel, or failed to."""
        self._took_s.observe(duration_s, ip_family="IPv4")
        self.checked(well)

    def checked(self, well: bool) -> None:
        if well:
            self._updated = self._clock.now()
        else:
            self._failures += 1

    def health_routes(self, problems: Callable[[], Mapping[str, str]]) -> list[web.RouteDef]:
        """`problems` has what is wrong with the daemon, by the name of its check."""

        def answer(path: str, eligible: Callable[[], bool]) -> web.RouteDef:
            async def handler(_: web.Request) -> web.Response:
                wrong = problems()
                status = 200 if eligible() and not wrong else 503
                self._answers[(path[1:], status)] = self._answers.get((path[1:], status), 0) + 1
                now = self._clock.now()
                body: dict[str, object] = {
                    "lastUpdated": self._updated if wrong else now,
                    "currentTime": now,
                    "nodeEligible": self._eligible(),
                }
                if wrong:
                    body["problems"] = wrong
                headers = {"X-Content-Type-Options": "nosniff"}
                return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json", headers=headers)

            return web.get(path, handler)

        return [answer("/healthz", self._eligible), answer("/livez", lambda: True)]

    def mode_routes(self) -> list[web.RouteDef]:
        async def mode(_: web.Request) -> web.Response:
            return web.Response(text="nftables")

        return [web.get("/proxyMode", mode)]

    def samples(self) -> Iterable[Sample]:
        name, family = "kubeproxy_sync_proxy_rules", {"ip_family": "IPv4"}
        yield from self._took_s.samples()
        yield Sample("gauge", f"{name}_last_timestamp_seconds", family, self._updated.timestamp())
        yield Sample("counter", f"{name}_nftables_sync_failures_total", family, self._failures)
        yield Sample("counter", f"{name}_service_changes_total", {}, self.service_changes)
        yield Sample("counter", f"{name}_endpoint_changes_total", {}, self.endpoint_changes)
        for (path, code), count in self._answers.items():
            yield Sample("counter", f"kubeproxy_proxy_{path}_total", {"code": str(code)}, count)

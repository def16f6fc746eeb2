"""What kube-proxy tells of itself: /healthz and /livez in upstream's form, /proxyMode, and upstream's main series on /metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from provisioner.kube.api._generated import core_v1
from provisioner.kube.client.clock import Clock, SystemClock

# A node that the cluster's autoscaler is about to remove is to get no new connections from balancers (upstream's KEP-3836).
LEAVING = "ToBeDeletedByClusterAutoscaler"
# Upstream's: 1 ms, doubled 15 times.
BOUNDS_S = tuple(0.001 * 2**step for step in range(15))


def is_eligible(node: core_v1.Node | None) -> bool:
    """Whether balancers may send to this node."""
    if node is None:
        return True
    return node.metadata.deletion_timestamp is None and all(taint.key != LEAVING for taint in node.spec.taints or ())


class Report:
    """Counts, and answers for them."""

    def __init__(self, eligible: Callable[[], bool], clock: Clock | None = None) -> None:
        self._eligible = eligible
        self._clock = clock or SystemClock()
        self._updated = self._clock.now()
        self._durations = [0] * len(BOUNDS_S)
        self._count, self._sum_s = 0, 0.0
        self._failures = 0
        self._answers: dict[tuple[str, int], int] = {}
        self.service_changes = 0
        self.endpoint_changes = 0

    def synced(self, duration_s: float, well: bool) -> None:
        """A change went into the kernel, or failed to."""
        self._count += 1
        self._sum_s += duration_s
        for place, bound in enumerate(BOUNDS_S):
            self._durations[place] += duration_s <= bound
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

    def metrics_routes(self) -> list[web.RouteDef]:
        async def mode(_: web.Request) -> web.Response:
            return web.Response(text="nftables")

        async def metrics(_: web.Request) -> web.Response:
            from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

            body = generate_latest() + "".join(f"{line}\n" for line in self.lines()).encode()
            return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

        return [web.get("/proxyMode", mode), web.get("/metrics", metrics)]

    def lines(self) -> list[str]:
        """The series, in Prometheus' text form."""
        name = "kubeproxy_sync_proxy_rules"
        found = [f"# TYPE {name}_duration_seconds histogram"]
        buckets = [*zip(map(repr, BOUNDS_S), self._durations, strict=True), ("+Inf", self._count)]
        found += [f'{name}_duration_seconds_bucket{{ip_family="IPv4",le="{bound}"}} {count}' for bound, count in buckets]
        found += [
            f'{name}_duration_seconds_sum{{ip_family="IPv4"}} {self._sum_s}',
            f'{name}_duration_seconds_count{{ip_family="IPv4"}} {self._count}',
        ]
        for kind, series, value in (
            ("gauge", f'{name}_last_timestamp_seconds{{ip_family="IPv4"}}', self._updated.timestamp()),
            ("counter", f'{name}_nftables_sync_failures_total{{ip_family="IPv4"}}', self._failures),
            ("counter", f"{name}_service_changes_total", self.service_changes),
            ("counter", f"{name}_endpoint_changes_total", self.endpoint_changes),
        ):
            found += [f"# TYPE {series.partition('{')[0]} {kind}", f"{series} {value}"]
        for path in ("healthz", "livez"):
            found.append(f"# TYPE kubeproxy_proxy_{path}_total counter")
            found += [f'kubeproxy_proxy_{path}_total{{code="{code}"}} {n}' for (asked, code), n in self._answers.items() if asked == path]
        return found

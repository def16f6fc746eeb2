"""/healthz, /livez and /readyz: what the server looks at of itself, under upstream's names, so that probes and scripts find them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from aiohttp import web
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

# None when well, else what is wrong
Check = Callable[[], str | None]

KINDS = ("healthz", "livez", "readyz")
# A server that waits for etcd, or is about to stop, is alive.
READY_ONLY = frozenset({"etcd-readiness", "informer-sync", "shutdown"})
# What upstream starts after it listens, by what has the same done here: the watch cache is loaded, or the first objects are made and
# everything that follows objects runs.
_LOADED = (
    *("start-apiserver-admission-initializer", "generic-apiserver-start-informers", "priority-and-fairness-config-consumer"),
    *("start-apiextensions-informers", "crd-informer-synced", "start-kube-aggregator-informers"),
)
_BOOTSTRAPPED = (
    *("start-apiextensions-controllers", "start-system-namespaces-controller", "start-cluster-authentication-info-controller"),
    *("start-kube-apiserver-identity-lease-controller", "start-service-ip-repair-controllers", "rbac/bootstrap-roles"),
    *("scheduling/bootstrap-system-priority-classes", "priority-and-fairness-config-producer", "bootstrap-controller"),
    *("apiservice-registration-controller", "apiservice-status-local-available-controller"),
    *("apiservice-status-remote-available-controller", "apiservice-discovery-controller", "kube-apiserver-autoregistration"),
    *("apiservice-openapi-controller", "apiservice-openapiv3-controller"),
)


class Answer(NamedTuple):
    """`status` None: there is no such check."""

    status: int | None
    text: str = ""


def checks(etcd: Check, loaded: Check, bootstrapped: Check, registered: Check, shutdown: Check) -> dict[str, Check]:
    """By name, in the order they are told in."""
    found: dict[str, Check] = {"ping": _well, "log": _well, "etcd": etcd, "etcd-readiness": etcd, "informer-sync": loaded}
    found |= {f"poststarthook/{name}": loaded for name in _LOADED}
    found |= {f"poststarthook/{name}": bootstrapped for name in _BOOTSTRAPPED}
    return {**found, "autoregister-completion": registered, "shutdown": shutdown}


def _well() -> None:
    """Who answers can be reached, and writes its log."""


def answer(kind: str, name: str, looked_at: Mapping[str, Check], excluded: set[str], *, verbose: bool) -> Answer:
    """Of all checks of a kind, or of the one that is named."""
    mine = {n: check for n, check in looked_at.items() if kind == "readyz" or n not in READY_ONLY}
    if name:
        if name not in mine:
            return Answer(None)
        mine = {name: mine[name]}
    lines, failed = [], False
    for n, check in mine.items():
        if n in excluded:
            lines.append(f"[+]{n} excluded: ok")
        elif check() is not None:
            lines.append(f"[-]{n} failed: reason withheld")
            failed = True
        else:
            lines.append(f"[+]{n} ok")
    if unknown := sorted(excluded - mine.keys()):
        lines.append(f"warn: some health checks cannot be excluded: no matches for {', '.join(map(_quoted, unknown))}")
    if failed:
        return Answer(500, "\n".join([*lines, f"{kind} check failed\n"]))
    return Answer(200, "\n".join([*lines, f"{kind} check passed\n"]) if verbose and not name else "ok")


class Slis(Collector):
    """What the checks say, for /metrics/slis."""

    def __init__(self, looked_at: Mapping[str, Check]) -> None:
        self._looked_at = looked_at
        # (type, name, status) -> how often it was found so
        self._found: Counter[tuple[str, str, str]] = Counter()

    def collect(self) -> Iterator[Metric]:
        """Who asks, looks."""
        now = GaugeMetricFamily("kubernetes_healthcheck", "Whether a check says that all is well", labels=["name", "type"])
        total = CounterMetricFamily("kubernetes_healthchecks", "What checks have said", labels=["name", "status", "type"])
        for kind in KINDS:
            for name, check in self._looked_at.items():
                if kind == "readyz" or name not in READY_ONLY:
                    well = check() is None
                    self._found[kind, name, "success" if well else "error"] += 1
                    now.add_metric([name, kind], int(well))
        for (kind, name, status), number in self._found.items():
            total.add_metric([name, status, kind], number)
        yield now
        yield total


def _quoted(text: str) -> str:
    return f'"{text}"'


def respond(request: web.Request, kind: str, name: str, looked_at: Mapping[str, Check]) -> web.Response | None:
    """None where there is no such check."""
    found = answer(kind, name, looked_at, set(request.query.getall("exclude", [])), verbose="verbose" in request.query)
    if found.status is None:
        return None
    return web.Response(status=found.status, text=found.text, headers={"X-Content-Type-Options": "nosniff"})

"""Lets requests in: follows FlowSchemas and PriorityLevelConfigurations, gives out seats, moves them between levels, writes conditions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from provisioner.kube.api import codec
from provisioner.kube.api._generated import flowcontrol_v1 as flow
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.fairness import matching, shares
from provisioner.kube.apiserver.fairness.levels import Level, Queuing
from provisioner.kube.apiserver.fairness.mandatory import CATCH_ALL, EXEMPT, MANDATORY, flow_schemas
from provisioner.kube.apiserver.metrics import put_into
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.client.clock import Clock
from provisioner.kube.storage.cache import Change, WatchCache

log = logging.getLogger(__name__)

GROUP = "flowcontrol.apiserver.k8s.io"
# How often seats are moved between levels, as upstream; and how fast a peak is forgotten.
ADJUST_S = 10.0
DECAY = 0.5
# Kinds of requests whose flow is kept; all are forgotten when there are more.
KEPT = 8192
# Seats of a list: one for each so many objects (guess: what takes as long as a small request), and how many at most, as upstream.
OBJECTS_A_SEAT = 1000
MAX_SEATS = 10
# Schemas that hold although nobody has made them, or somebody has deleted them.
_IMAGINED = {s["metadata"]["name"]: codec.decode_dict(flow.FlowSchema, s) for s in flow_schemas() if s["metadata"]["name"] in MANDATORY}


@dataclass(slots=True, eq=False)
class Way:
    """Where a kind of request is let in. `headers` tell the client."""

    flow: matching.Flow
    level: Level
    headers: Mapping[str, str]
    dispatched: int = 0


class Fairness:
    """`server_seats` is how many requests are served at once; `queue_s` how long one may wait for a seat."""

    def __init__(self, cache: WatchCache, clock: Clock, server_seats: int, queue_s: float) -> None:
        self.clock, self._server_seats, self.queue_s = clock, server_seats, queue_s
        self._schemas: dict[str, flow.FlowSchema] = {}
        self._configured: dict[str, flow.PriorityLevelConfiguration] = {}
        self._order: list[flow.FlowSchema] | None = None
        self.levels: dict[str, Level] = {}
        self._ways: dict[tuple[Any, ...], Way] = {}
        self._by_flow: dict[tuple[str, str], int] = {}
        self._demands: dict[str, float] = {}
        for plural, cls, kept in (
            ("flowschemas", flow.FlowSchema, self._schemas),
            ("prioritylevelconfigurations", flow.PriorityLevelConfiguration, self._configured),
        ):
            cache.collection(f"{GROUP}/{plural}").listeners.append(partial(self._changed, cls, kept))

    def _changed(self, cls: type[Any], kept: dict[str, Any], change: Change) -> None:
        entry = change.new or change.old
        assert entry is not None
        if change.new is None:
            kept.pop(entry.key, None)
        else:
            kept[entry.key] = codec.decode(cls, entry.data)
        self._order = None

    # -- a request's way ---------------------------------------------------------------------------------------------

    def way(self, user: User, target: Target) -> Way:
        if self._order is None:
            self._configure()
        key: tuple[Any, ...]
        if target.resource:
            key = (user.name, user.groups, target.verb, target.group, target.resource, target.subresource, target.namespace)
        else:
            key = (user.name, user.groups, target.verb, target.path)
        found = self._ways.get(key)
        if found is None:
            if len(self._ways) >= KEPT:
                self._forget()
            found = self._ways[key] = self._found(user, target)
        return found

    def _found(self, user: User, target: Target) -> Way:
        assert self._order is not None
        found = matching.flow_of(self._order, user, target) or matching.Flow(CATCH_ALL, "", CATCH_ALL, "", 0)
        level = self.levels.get(found.level) or self.levels[CATCH_ALL]
        headers = {"X-Kubernetes-PF-FlowSchema-UID": found.schema_uid, "X-Kubernetes-PF-PriorityLevel-UID": level.uid}
        return Way(found, level, headers)

    def _forget(self) -> None:
        for way in self._ways.values():
            key = (way.flow.schema, way.level.name)
            self._by_flow[key] = self._by_flow.get(key, 0) + way.dispatched
        self._ways.clear()

    @staticmethod
    def seats_of_list(objects: int) -> int:
        return min(MAX_SEATS, 1 + objects // OBJECTS_A_SEAT)

    # -- configuration -----------------------------------------------------------------------------------------------

    def _configure(self) -> None:
        """What the objects say, from now on. Schemas whose level is not there take no requests, as upstream."""
        wanted = self._shares()
        nominal = shares.nominal_seats(wanted, self._server_seats)
        for name in [
            name for name in self.levels if name not in wanted and not self.levels[name].executing and not self.levels[name].waiting
        ]:
            del self.levels[name]
        for name, share in wanted.items():
            level = self.levels.get(name)
            is_new = level is None
            if level is None:
                level = self.levels[name] = Level(name, self.clock.monotonic)
            config = self._configured.get(name)
            level.uid = (config.metadata.uid if config is not None else "") or ""
            level.nominal = nominal[name]
            queuing = _queuing(config) if config is not None else None
            level.configure(queuing, None if share.exempt else nominal[name] if is_new or not level.limit else level.limit)
        schemas = {**_IMAGINED, **self._schemas}
        self._order = matching.in_order(s for s in schemas.values() if _level_name(s) in wanted)
        self._forget()
        self._adjust(wanted, nominal)

    def _shares(self) -> dict[str, shares.Share]:
        """What the levels are to have. The mandatory ones are there before, and after, their objects."""
        return {EXEMPT: shares.Share(0, exempt=True), CATCH_ALL: shares.Share(5)} | {
            name: _share(config) for name, config in self._configured.items()
        }

    def _adjust(self, wanted: Mapping[str, shares.Share], nominal: Mapping[str, int]) -> None:
        for name, level in self.levels.items():
            before = self._demands.get(name, 0.0)
            self._demands[name] = max(float(level.peak), before * DECAY)
            level.peak = level.in_use + level.waiting_seats
        limits = shares.current_seats(wanted, nominal, self._demands, self._server_seats)
        for name, limit in limits.items():
            self.levels[name].set_limit(limit)

    async def run(self) -> None:
        """Move seats to where they are wanted."""
        while True:
            await self.clock.sleep(ADJUST_S)
            if self._order is None:
                self._configure()
                continue
            wanted = self._shares()
            self._adjust(wanted, {name: self.levels[name].nominal for name in wanted})

    def dangling(self) -> Iterator[tuple[flow.FlowSchema, str]]:
        """FlowSchemas whose condition Dangling is not what it should be, with what it should be."""
        for schema in list(self._schemas.values()):
            should = "False" if _level_name(schema) in self._configured else "True"
            has = next((c.status for c in schema.status.conditions or () if c.type == "Dangling"), "")
            if has != should:
                yield schema, should

    # -- metrics -----------------------------------------------------------------------------------------------------

    def collect(self) -> Iterable[Metric]:
        """Upstream's series; counted where requests pass, put into form only here."""
        gauges: tuple[tuple[str, str, Callable[[Level], float]], ...] = (
            ("nominal_limit_seats", "Nominal seats of the level", lambda level: level.nominal),
            (
                "current_limit_seats",
                "Seats that the level has now",
                lambda level: level.limit if level.limit is not None else level.nominal,
            ),
            ("current_executing_requests", "Requests that are served", lambda level: level.executing),
            ("current_executing_seats", "Seats that are taken", lambda level: level.in_use),
            ("current_inqueue_requests", "Requests that wait", lambda level: level.waiting),
            ("current_inqueue_seats", "Seats that are waited for", lambda level: level.waiting_seats),
        )
        for name, text, value in gauges:
            gauge = GaugeMetricFamily(f"apiserver_flowcontrol_{name}", text, labels=["priority_level"])
            for level in self.levels.values():
                gauge.add_metric([level.name], value(level))
            yield gauge
        dispatched = CounterMetricFamily(
            "apiserver_flowcontrol_dispatched_requests", "Requests that came", labels=["flow_schema", "priority_level"]
        )
        counted = dict(self._by_flow)
        for way in self._ways.values():
            key = (way.flow.schema, way.level.name)
            counted[key] = counted.get(key, 0) + way.dispatched
        for (schema, level_name), number in counted.items():
            dispatched.add_metric([schema, level_name], number)
        yield dispatched
        rejected = CounterMetricFamily("apiserver_flowcontrol_rejected_requests", "Requests refused", labels=["priority_level", "reason"])
        waits = HistogramMetricFamily(
            "apiserver_flowcontrol_request_wait_duration_seconds",
            "Seconds in a queue, of those that had to wait",
            labels=["priority_level", "flow_schema", "execute"],
        )
        for level in self.levels.values():
            for reason, number in level.rejected.items():
                rejected.add_metric([level.name, reason], number)
            for (schema, served), spread in level.waited.items():
                put_into(waits, [level.name, schema, str(served).lower()], spread)
        yield rejected
        yield waits


def _level_name(schema: flow.FlowSchema) -> str:
    reference = schema.spec.priority_level_configuration
    return (reference.name if reference is not None else "") or ""


def _share(config: flow.PriorityLevelConfiguration) -> shares.Share:
    spec = config.spec
    if spec.type == "Exempt":
        exempt = spec.exempt or flow.ExemptPriorityLevelConfiguration()
        return shares.Share(exempt.nominal_concurrency_shares or 0, exempt.lendable_percent or 0, exempt=True)
    limited = spec.limited or flow.LimitedPriorityLevelConfiguration()
    given = limited.nominal_concurrency_shares
    return shares.Share(30 if given is None else given, limited.lendable_percent or 0, limited.borrowing_limit_percent)


def _queuing(config: flow.PriorityLevelConfiguration) -> Queuing | None:
    response = config.spec.limited.limit_response if config.spec.limited is not None else None
    if response is None or response.type != "Queue":
        return None
    queuing = response.queuing or flow.QueuingConfiguration()
    return Queuing(queuing.queues or 64, queuing.hand_size or 8, queuing.queue_length_limit or 50)

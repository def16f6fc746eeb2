"""Proves that objects become levels and ways, that a schema without its level takes nothing, and that seats move to where they are wanted."""

from __future__ import annotations

from typing import Any

from provisioner.kube.api import codec
from provisioner.kube.api._generated import flowcontrol_v1 as flow
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.fairness import mandatory
from provisioner.kube.apiserver.fairness.controller import ADJUST_S, GROUP, Fairness
from provisioner.kube.apiserver.fairness.dumps import DUMPS
from provisioner.kube.apiserver.fairness.seats import FairSeats
from provisioner.kube.apiserver.registry import Registry
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.tasks import spawn, stop
from provisioner.kube.storage.cache import Entry, WatchCache

ANN = User("ann", ("system:authenticated",))
GET = Target("get", "/x", "", "v1", "pods", "ns", "p")


def made() -> tuple[WatchCache, Fairness, FakeClock]:
    cache, clock = WatchCache(None, lambda *_: ({}, {})), FakeClock()  # type: ignore[arg-type]
    fairness = Fairness(cache, clock, 100, 15.0)
    for level in mandatory.priority_levels():
        put(cache, flow.PriorityLevelConfiguration, level)
    for schema in mandatory.flow_schemas():
        put(cache, flow.FlowSchema, schema)
    return cache, fairness, clock


def put(cache: WatchCache, cls: type[Any], document: dict[str, Any]) -> None:
    name = document["metadata"]["name"]
    obj = codec.decode_dict(cls, document)
    obj.metadata.uid = f"uid-of-{name}"
    cache.collection(f"{GROUP}/{cls.KIND.lower()}s").apply(name, Entry(name, 1, codec.encode(obj), {}, {}), 1)


def test_ways() -> None:
    cache, fairness, _ = made()
    way = fairness.way(ANN, GET)
    assert (way.flow.schema, way.level.name) == ("global-default", "global-default")
    assert way.headers == {
        "X-Kubernetes-PF-FlowSchema-UID": "uid-of-global-default",
        "X-Kubernetes-PF-PriorityLevel-UID": "uid-of-global-default",
    }
    assert fairness.way(ANN, GET) is way
    assert fairness.way(User("root", ("system:masters",)), GET).level.limit is None
    schema = {"metadata": {"name": "mine"}, "spec": mandatory.flow_schemas()[-1]["spec"] | {"matchingPrecedence": 7}}
    schema["spec"] |= {"priorityLevelConfiguration": {"name": "not-there"}}
    put(cache, flow.FlowSchema, schema)
    assert fairness.way(ANN, GET).flow.schema == "global-default"
    assert [(s.metadata.name, status) for s, status in fairness.dangling() if s.metadata.name == "mine"] == [("mine", "True")]
    level = {"metadata": {"name": "not-there"}, "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 5}}}
    put(cache, flow.PriorityLevelConfiguration, level)
    assert fairness.way(ANN, GET).level.name == "not-there"


def test_mandatory_levels_hold_without_their_objects() -> None:
    cache = WatchCache(None, lambda *_: ({}, {}))  # type: ignore[arg-type]
    fairness = Fairness(cache, FakeClock(), 100, 15.0)
    assert fairness.way(User("root", ("system:masters",)), GET).level.limit is None
    assert fairness.way(ANN, GET).level.name == "catch-all"


def test_nominal_seats_and_metrics() -> None:
    cache, fairness, _ = made()
    seats = FairSeats(fairness, Registry(), cache)
    for _ in range(3):
        assert seats.enter(ANN, GET, {}) is not None
    # Who finds no seat is not let in, and not counted.
    fairness.way(ANN, GET).level.set_limit(1)
    assert seats.enter(ANN, GET, {}) is None
    assert {name: level.nominal for name, level in fairness.levels.items()} == {
        "exempt": 0,
        "catch-all": 3,
        "global-default": 9,
        "leader-election": 5,
        "node-high": 17,
        "system": 13,
        "workload-high": 17,
        "workload-low": 41,
    }
    samples = {(s.name, *sorted(s.labels.values())): s.value for family in fairness.collect() for s in family.samples}
    assert samples["apiserver_flowcontrol_nominal_limit_seats", "system"] == 13
    assert samples["apiserver_flowcontrol_dispatched_requests_total", "global-default", "global-default"] == 3


async def test_seats_move() -> None:
    _, fairness, clock = made()
    level = fairness.way(ANN, GET).level
    running = spawn("adjust", fairness.run())
    level.peak = 50
    await clock.advance(ADJUST_S)
    assert level.limit is not None and level.limit > 2 * level.nominal
    for _ in range(12):
        await clock.advance(ADJUST_S)
    assert level.limit < 2 * level.nominal
    await stop(running)


async def test_who_is_served_is_told_until_they_leave() -> None:
    cache, fairness, _ = made()
    seats = FairSeats(fairness, Registry(), cache)
    level = fairness.way(ANN, GET).level
    seat = await seats.take(ANN, GET, {})
    assert seats.headers(ANN, GET) == seat.headers
    ((who, taken, _),) = level.served.values()
    assert (who.user, who.target, taken, level.executing) == ("ann", GET, 1, 1)
    (row,) = [line for line in DUMPS["dump_requests"](fairness.levels.values(), True).splitlines() if "ann" in line]
    assert [cell.strip() for cell in row.split(",")][:4] == ["global-default", "global-default", "-1", "-1"]
    seat.leave()
    assert not level.served and not level.executing

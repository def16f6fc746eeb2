"""Proves what a pod contributes to a service, and how endpoints are grouped."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1, discovery_v1
from provisioner.kube.controllers.endpoint_slices import PER_SLICE, EndpointSlices, Target, endpoints_of, port_number, slices_of, target_of
from tests.unit.kube.controllers.cluster import Cluster
from tests.unit.kube.controllers.objects import at, made


def service(*ports: dict[str, Any], **spec: Any) -> core_v1.Service:
    return made(core_v1.Service, {"metadata": {"name": "web", "namespace": "ns"}, "spec": {"ports": list(ports) or [{"port": 80}], **spec}})


def pod(
    name: str = "p", ip: str = "10.1.0.5", *, phase: str = "Running", ready: bool = True, ending: bool = False, **spec: Any
) -> core_v1.Pod:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    metadata = {"name": name, "namespace": "ns", **({"deletionTimestamp": at(0)} if ending else {})}
    status = {"phase": phase, "podIP": ip, "conditions": conditions}
    return made(core_v1.Pod, {"metadata": metadata, "spec": {"nodeName": "n", **spec}, "status": status})


NAMED = {
    "containers": [
        {"name": "c", "ports": [{"name": "http", "containerPort": 8080}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]}
    ],
    "initContainers": [
        {"name": "i", "ports": [{"name": "init", "containerPort": 1}]},
        {"name": "s", "restartPolicy": "Always", "ports": [{"name": "sidecar", "containerPort": 9000}]},
    ],
}


@pytest.mark.parametrize(
    ("port", "number"),
    [
        ({"port": 80}, 80),
        ({"port": 80, "targetPort": 8080}, 8080),
        ({"port": 80, "targetPort": "http"}, 8080),
        ({"port": 53, "targetPort": "dns"}, None),
        ({"port": 53, "targetPort": "dns", "protocol": "UDP"}, 53),
        ({"port": 80, "targetPort": "none"}, None),
        ({"port": 80, "targetPort": "sidecar"}, 9000),
        ({"port": 80, "targetPort": "init"}, None),
    ],
)
def test_a_ports_number_in_a_pod(port: dict[str, Any], number: int | None) -> None:
    assert port_number(made(core_v1.ServicePort, port), pod(**NAMED)) == number


@pytest.mark.parametrize(
    ("found", "spec", "conditions"),
    [
        (pod(), {}, (True, True, False)),
        (pod(ready=False), {}, (False, False, False)),
        (pod(ready=False), {"publishNotReadyAddresses": True}, (True, False, False)),
        (pod(ending=True), {"publishNotReadyAddresses": True}, (True, True, True)),
        (pod(ending=True), {}, (False, True, True)),
    ],
)
def test_conditions(found: core_v1.Pod, spec: dict[str, Any], conditions: tuple[bool, bool, bool]) -> None:
    target = target_of(service(**spec), found)
    assert target is not None and target.endpoint.conditions is not None
    shown = target.endpoint.conditions
    assert (shown.ready, shown.serving, shown.terminating) == conditions


@pytest.mark.parametrize("found", [pod(ip=""), pod(phase="Succeeded"), pod(phase="Failed")])
def test_who_contributes_nothing(found: core_v1.Pod) -> None:
    assert target_of(service(), found) is None


def targets(*pods: core_v1.Pod) -> list[Target]:
    return [target for one in pods if (target := target_of(service(), one)) is not None]


def test_slices_are_bounded_and_in_order() -> None:
    many = targets(*(pod(f"p{i}", f"10.1.{i // 200}.{i % 200 + 1}") for i in range(PER_SLICE + 20)))
    made_ = slices_of(many)
    assert [len(endpoints) for _, endpoints in made_] == [PER_SLICE, 20]
    assert slices_of(reversed(many)) == made_, "the order of pods doesn't matter"


def test_the_older_form_tells_ready_from_waiting() -> None:
    [subset] = endpoints_of(targets(pod("a", "10.1.0.1"), pod("b", "10.1.0.2", ready=False), pod("c", "10.1.0.3", ending=True)))
    assert [a.ip for a in subset.addresses or ()] == ["10.1.0.1"]
    assert [a.ip for a in subset.not_ready_addresses or ()] == ["10.1.0.2"]
    assert [(p.port, p.protocol) for p in subset.ports or ()] == [(80, "TCP")]


@pytest.mark.parametrize(
    ("distribution", "zone", "nodes", "zones"),
    [
        (None, "z", [], []),
        ("PreferClose", "z", [], ["z"]),
        ("PreferSameZone", "z", [], ["z"]),
        ("PreferSameZone", None, [], []),
        ("PreferSameNode", "z", ["n"], ["z"]),
        ("PreferSameNode", None, ["n"], []),
    ],
)
def test_who_should_prefer_an_endpoint(distribution: str | None, zone: str | None, nodes: list[str], zones: list[str]) -> None:
    of = service(trafficDistribution=distribution)
    found = target_of(of, pod(), zone)
    assert found is not None and found.endpoint.zone == zone
    hints = found.endpoint.hints or discovery_v1.EndpointHints()
    assert [h.name for h in hints.for_nodes or ()] == nodes and [h.name for h in hints.for_zones or ()] == zones
    waiting = target_of(of, pod(ready=False), zone)
    assert waiting is not None and waiting.endpoint.hints is None


async def test_slices_follow_the_pods_and_are_made_once() -> None:
    cluster = Cluster()
    controller = EndpointSlices(cluster.parts())
    cluster.put(made(core_v1.Node, {"metadata": {"name": "n", "labels": {"topology.kubernetes.io/zone": "z"}}}))
    cluster.put(
        made(core_v1.Service, {"metadata": {"name": "web", "namespace": "ns"}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}})
    )
    await cluster.settle(controller)
    labelled = pod()
    labelled.metadata.labels = {"a": "b"}
    cluster.put(labelled)
    await cluster.settle(controller)
    (piece,) = cluster.all(discovery_v1.EndpointSlice)
    assert [(e.addresses, e.zone) for e in piece.endpoints or ()] == [(["10.1.0.5"], "z")]
    (old,) = cluster.all(core_v1.Endpoints)
    assert [a.ip for subset in old.subsets or () for a in subset.addresses or ()] == ["10.1.0.5"]
    await cluster.delete(core_v1.Service, "web", "ns")
    await cluster.settle(controller)
    assert cluster.all(discovery_v1.EndpointSlice) == [] and cluster.all(core_v1.Endpoints) == []

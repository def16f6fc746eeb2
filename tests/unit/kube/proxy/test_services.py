"""Proves which endpoints a service port leads to: readiness, terminating ones, traffic policies, affinity."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated import core_v1, discovery_v1, meta_v1
from provisioner.kube.proxy.services import NOT_OURS, SOURCE_RANGES, Endpoint, Place, ports_of


def service(**spec: object) -> core_v1.Service:
    values = {
        "cluster_ip": "10.96.0.7",
        "type": "ClusterIP",
        "ports": [core_v1.ServicePort(name="http", port=80, protocol="TCP", node_port=30080)],
    }
    return core_v1.Service(metadata=meta_v1.ObjectMeta(name="web", namespace="default"), spec=core_v1.ServiceSpec(**{**values, **spec}))  # type: ignore[arg-type]


def endpoint(address: str, node: str = "here", **conditions: bool) -> discovery_v1.Endpoint:
    return discovery_v1.Endpoint(addresses=[address], node_name=node, conditions=discovery_v1.EndpointConditions(**conditions))


def slice_of(*endpoints: discovery_v1.Endpoint) -> discovery_v1.EndpointSlice:
    return discovery_v1.EndpointSlice(
        address_type="IPv4", endpoints=list(endpoints), ports=[discovery_v1.EndpointPort(name="http", port=8080)]
    )


def test_ready_endpoints_of_every_slice() -> None:
    (port,) = ports_of(
        service(),
        [slice_of(endpoint("10.1.0.2", ready=True), endpoint("10.1.0.3", ready=False)), slice_of(endpoint("10.1.0.4"))],
        Place("here"),
    )
    assert port.endpoints == (Endpoint("10.1.0.2", 8080), Endpoint("10.1.0.4", 8080))
    assert (port.name, port.protocol, port.port, port.node_port, port.cluster_ips) == ("default/web:http", "tcp", 80, 30080, ("10.96.0.7",))


def test_terminating_ones_serve_only_where_none_is_ready() -> None:
    dying = endpoint("10.1.0.2", ready=False, serving=True, terminating=True)
    assert ports_of(service(), [slice_of(dying)], Place("here"))[0].endpoints == (Endpoint("10.1.0.2", 8080),)
    assert ports_of(service(), [slice_of(dying, endpoint("10.1.0.3", ready=True))], Place("here"))[0].endpoints == (
        Endpoint("10.1.0.3", 8080),
    )


def test_local_policies_keep_this_nodes_endpoints() -> None:
    slices = [slice_of(endpoint("10.1.0.2", "here", ready=True), endpoint("10.1.0.3", "there", ready=True))]
    (port,) = ports_of(service(external_traffic_policy="Local"), slices, Place("here"))
    assert port.external == (Endpoint("10.1.0.2", 8080),)
    assert port.external_local
    assert len(port.endpoints) == len(port.everywhere) == 2
    assert ports_of(service(internal_traffic_policy="Local"), slices, Place("there"))[0].endpoints == (Endpoint("10.1.0.3", 8080),)


def test_only_the_ipv4_half_of_dual_stack_counts() -> None:
    six = discovery_v1.EndpointSlice(
        address_type="IPv6", endpoints=[endpoint("fd00::2")], ports=[discovery_v1.EndpointPort(name="http", port=8080)]
    )
    (port,) = ports_of(service(cluster_ips=["10.96.0.7", "fd00::7"]), [six, slice_of(endpoint("10.1.0.2"))], Place("here"))
    assert port.cluster_ips == ("10.96.0.7",)
    assert port.endpoints == (Endpoint("10.1.0.2", 8080),)


def test_a_balancer_asks_for_local_endpoints_where_the_policy_is_local() -> None:
    values = {"type": "LoadBalancer", "health_check_node_port": 32000}
    assert ports_of(service(**values, external_traffic_policy="Local"), [], Place("here"))[0].health_port == 32000
    assert ports_of(service(**values, external_traffic_policy="Cluster"), [], Place("here"))[0].health_port == 0


def balanced(annotations: dict[str, str] | None = None, **spec: object) -> core_v1.Service:
    made = service(**{"type": "LoadBalancer", **spec})
    made.metadata.annotations = annotations
    ingress = [core_v1.LoadBalancerIngress(ip="192.0.2.9"), core_v1.LoadBalancerIngress(ip="192.0.2.10", ip_mode="Proxy")]
    made.status.load_balancer = core_v1.LoadBalancerStatus(ingress=[*ingress, core_v1.LoadBalancerIngress(hostname="lb.example.com")])
    return made


def test_external_addresses_and_balancers() -> None:
    (port,) = ports_of(balanced(external_ips=["192.0.2.1", "10.96.0.7", "fd00::1"]), [], Place("here"))
    assert (port.external_ips, port.balancer_ips, port.source_ranges) == (("192.0.2.1",), ("192.0.2.9",), ())


def test_a_service_that_is_no_balancer_any_more_has_no_balancers_addresses() -> None:
    assert ports_of(balanced(type="NodePort"), [], Place("here"))[0].balancer_ips == ()


@pytest.mark.parametrize(
    ("ranges", "annotation", "kept"),
    [
        (["10.0.0.0/8"], None, ("10.0.0.0/8",)),
        ([" 10.0.0.0/8", "10.1.0.0/16", "fd00::/64", "192.0.2.5/24"], None, ("10.0.0.0/8", "192.0.2.0/24")),
        (None, "10.0.0.0/8,192.0.2.0/24", ("10.0.0.0/8", "192.0.2.0/24")),
        (["fd00::/64"], None, ()),
    ],
    ids=["one", "none-inside-another-and-no-ipv6", "annotation", "other-family-alone"],
)
def test_source_ranges(ranges: list[str] | None, annotation: str | None, kept: tuple[str, ...]) -> None:
    made = balanced({SOURCE_RANGES: annotation} if annotation else None, load_balancer_source_ranges=ranges)
    assert ports_of(made, [], Place("here"))[0].source_ranges == kept


@pytest.mark.parametrize("label", NOT_OURS)
def test_what_another_proxy_serves_is_left_alone(label: str) -> None:
    taken = service()
    taken.metadata.labels = {label: ""}
    piece = slice_of(endpoint("10.1.0.2"))
    assert ports_of(taken, [piece], Place("here")) == []
    piece.metadata.labels = {label: ""}
    assert ports_of(service(), [piece], Place("here"))[0].endpoints == ()


def test_a_balancer_is_told_of_ready_endpoints_though_ending_ones_still_serve() -> None:
    dying = slice_of(endpoint("10.1.0.2", ready=False, serving=True, terminating=True))
    values = {"health_check_node_port": 32000, "external_traffic_policy": "Local"}
    (port,) = ports_of(balanced(**values), [dying], Place("here"))
    assert (port.external, port.local_ready) == ((Endpoint("10.1.0.2", 8080),), 0)
    (port,) = ports_of(balanced(**values), [slice_of(endpoint("10.1.0.2", ready=True), endpoint("10.1.0.3", "there"))], Place("here"))
    assert port.local_ready == 1


def test_headless_and_external_names_have_no_rules() -> None:
    assert ports_of(service(cluster_ip="None"), [], Place("here")) == []
    assert ports_of(service(type="ExternalName", cluster_ip=None), [], Place("here")) == []


def test_affinity() -> None:
    assert ports_of(service(session_affinity="ClientIP"), [], Place("here"))[0].affinity_s == 10800
    config = core_v1.SessionAffinityConfig(client_ip=core_v1.ClientIPConfig(timeout_seconds=60))
    assert ports_of(service(session_affinity="ClientIP", session_affinity_config=config), [], Place("here"))[0].affinity_s == 60


def near(address: str, node: str, nodes: tuple[str, ...] = (), zones: tuple[str, ...] = ()) -> discovery_v1.Endpoint:
    made = endpoint(address, node, ready=True)
    made.hints = discovery_v1.EndpointHints(
        for_nodes=[discovery_v1.ForNode(name=n) for n in nodes], for_zones=[discovery_v1.ForZone(name=z) for z in zones]
    )
    return made


@pytest.mark.parametrize(
    ("place", "pieces", "used"),
    [
        (Place("n1", "z1"), [near("10.1.0.1", "n1", zones=("z1",)), near("10.1.0.2", "n2", zones=("z2",))], ["10.1.0.1"]),
        (Place("n3", "z3"), [near("10.1.0.1", "n1", zones=("z1",)), near("10.1.0.2", "n2", zones=("z2",))], ["10.1.0.1", "10.1.0.2"]),
        (Place("n1", ""), [near("10.1.0.1", "n1", zones=("z1",)), near("10.1.0.2", "n2", zones=("z2",))], ["10.1.0.1", "10.1.0.2"]),
        (Place("n1", "z1"), [near("10.1.0.1", "n1", zones=("z1",)), near("10.1.0.2", "n2")], ["10.1.0.1", "10.1.0.2"]),
        (Place("n2", "z1"), [near("10.1.0.1", "n1", ("n1",), ("z1",)), near("10.1.0.2", "n2", ("n2",), ("z1",))], ["10.1.0.2"]),
        (Place("n9", "z1"), [near("10.1.0.1", "n1", ("n1",), ("z1",)), near("10.1.0.2", "n2", ("n2",), ("z2",))], ["10.1.0.1"]),
    ],
    ids=["zone", "none-for-this-zone", "no-zone", "a-hint-missing", "node", "no-node-then-zone"],
)
def test_hints(place: Place, pieces: list[discovery_v1.Endpoint], used: list[str]) -> None:
    (port,) = ports_of(service(), [slice_of(*pieces)], place)
    assert [e.ip for e in port.endpoints] == used

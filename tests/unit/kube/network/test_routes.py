"""Proves which way packets to each node's pods go, and the smallest change from one plan to the next."""

from __future__ import annotations

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.network.routes import NodeNetwork, Plan, commands, decide, node_network, tunnel_mac

HERE = NodeNetwork("here", "10.0.0.1", "10.244.0.0/24")
NEAR = NodeNetwork("near", "10.0.0.2", "10.244.1.0/24")
FAR = NodeNetwork("far", "192.168.7.2", "10.244.2.0/24")


def test_near_by_route_far_by_tunnel() -> None:
    plan = decide([HERE, NEAR, FAR], "here", ["10.0.0.1/24"])
    assert plan == Plan(
        frozenset({("10.244.1.0/24", "10.0.0.2")}), frozenset({("10.244.2.0/24", "192.168.7.2")}), "10.0.0.1", "10.244.0.0/24"
    )


def test_a_backend_that_is_asked_for() -> None:
    assert decide([HERE, FAR], "here", ["10.0.0.1/24"], "routes").direct == {("10.244.2.0/24", "192.168.7.2")}
    assert decide([HERE, NEAR], "here", ["10.0.0.1/24"], "vxlan").tunnel == {("10.244.1.0/24", "10.0.0.2")}


def test_only_what_changed() -> None:
    old = Plan(frozenset({("10.244.1.0/24", "10.0.0.2"), ("10.244.5.0/24", "10.0.0.5")}))
    new = Plan(frozenset({("10.244.1.0/24", "10.0.0.2"), ("10.244.6.0/24", "10.0.0.6")}))
    present = frozenset({"10.244.1.0/24", "10.244.5.0/24"})
    assert commands(old, new, present) == ["route delete 10.244.5.0/24 proto 89", "route replace 10.244.6.0/24 via 10.0.0.6 proto 89"]
    assert commands(new, new, frozenset({"10.244.1.0/24", "10.244.6.0/24"})) == []


def test_a_route_lost_by_hand_comes_back() -> None:
    plan = Plan(frozenset({("10.244.1.0/24", "10.0.0.2")}))
    assert commands(plan, plan, frozenset()) == ["route replace 10.244.1.0/24 via 10.0.0.2 proto 89"]


def test_a_tunnel_needs_its_neighbour_and_its_port() -> None:
    assert commands(Plan(), Plan(tunnel=frozenset({("10.244.2.0/24", "192.168.7.2")})), frozenset()) == [
        f"neigh replace 10.244.2.0 lladdr {tunnel_mac('192.168.7.2')} dev kube-vxlan nud permanent",
        f"FDB replace {tunnel_mac('192.168.7.2')} dev kube-vxlan dst 192.168.7.2",
        "route replace 10.244.2.0/24 via 10.244.2.0 dev kube-vxlan onlink proto 89",
    ]


def test_nodes_without_range_or_address_wait() -> None:
    node = core_v1.Node(metadata=meta_v1.ObjectMeta(name="n"))
    assert node_network(node) is None
    node.spec.pod_cidr = "10.244.1.0/24"
    node.status.addresses = [core_v1.NodeAddress(type="InternalIP", address="10.0.0.2")]
    assert node_network(node) == NodeNetwork("n", "10.0.0.2", "10.244.1.0/24")

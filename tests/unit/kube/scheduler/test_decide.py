"""Proves where a pod goes, what is said when it fits nowhere, and which lesser pods would make room."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.scheduler.decide import Decision, decide, expected, make_room
from tests.unit.kube.scheduler.objects import cluster, node, pod

ZONE = "topology.kubernetes.io/zone"


def required(key: str, operator: str, *values: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def near(labels: dict[str, str], key: str, *, anti: bool = False, weight: int = 0) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": key}
    name = "podAntiAffinity" if anti else "podAffinity"
    if weight:
        return {name: {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": weight, "podAffinityTerm": term}]}}
    return {name: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


TAINT = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("spec", "b", "message"),
    [
        ({"cpu": "3"}, {"cpu": "2"}, "1 Insufficient cpu"),
        ({"nodeSelector": {"disk": "fast"}}, {}, "1 node(s) didn't match Pod's node affinity/selector"),
        ({"affinity": required("size", "Gt", "3")}, {"labels": {"size": "2"}}, "1 node(s) didn't match Pod's node affinity/selector"),
        ({}, {"taints": [TAINT]}, "1 node(s) had untolerated taint(s)"),
        ({}, {"unschedulable": True}, "1 node(s) were unschedulable"),
        ({}, {"pods": "0"}, "1 Too many pods"),
        ({"memory": "9Gi", "cpu": "5"}, {}, "1 Insufficient cpu, 1 Insufficient memory"),
    ],
)
def test_why_the_only_node_will_not_do(spec: dict[str, Any], b: dict[str, Any], message: str) -> None:
    found = decide(pod(**spec), cluster(node("b", **b)))
    assert (found.node, found.message) == (None, f"0/1 nodes are available: {message}.")


@pytest.mark.parametrize(
    ("spec", "b"),
    [
        ({"cpu": "3"}, {}),
        ({"nodeSelector": {"disk": "fast"}}, {"labels": {"disk": "fast"}}),
        ({"affinity": required("size", "Gt", "3")}, {"labels": {"size": "10"}}),
        ({"affinity": required("disk", "NotIn", "slow")}, {}),
        ({"tolerations": [{"key": "dedicated", "operator": "Equal", "value": "db"}]}, {"taints": [TAINT]}),
        ({"tolerations": [{"operator": "Exists"}]}, {"taints": [TAINT], "unschedulable": True}),
    ],
)
def test_what_lets_it_in(spec: dict[str, Any], b: dict[str, Any]) -> None:
    assert decide(pod(**spec), cluster(node("b", **b))).node == "b"


def test_claims_on_devices_are_nobodys_to_give() -> None:
    claims = [{"name": "gpu", "resourceClaimName": "one"}]
    found = decide(pod(resourceClaims=claims), cluster(node("a"), node("b")))
    assert (found.node, found.message, found.resolvable) == (None, "0/2 nodes are available: 2 cannot allocate all claims.", ())


def test_no_nodes_at_all() -> None:
    assert decide(pod(), cluster()).message == "no nodes available to schedule pods"


def test_reasons_are_counted() -> None:
    nodes = cluster(node("a", cpu="1"), node("b", cpu="1"), node("c", taints=[TAINT]))
    assert decide(pod(cpu="2"), nodes).message == "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu."


def test_the_emptier_node_wins_and_ties_go_round() -> None:
    nodes = cluster(node("a"), node("b"))
    assert {decide(pod(cpu="100m"), nodes, turn).node for turn in range(2)} == {"a", "b"}
    nodes.place(pod("other", cpu="2", memory="4Gi"), "a")
    assert {decide(pod(cpu="100m"), nodes, turn).node for turn in range(2)} == {"b"}


def test_a_host_port_is_given_once() -> None:
    nodes = cluster(node("a"))
    first = pod("one", ports=[{"containerPort": 80, "hostPort": 80}])
    nodes.place(first, "a")
    assert "free ports" in decide(pod("two", ports=[{"containerPort": 80, "hostPort": 80}]), nodes).message
    assert decide(pod("two", ports=[{"containerPort": 80, "hostPort": 80, "protocol": "UDP"}]), nodes).node == "a"
    nodes.take_away(first, "a")
    assert decide(pod("two", ports=[{"containerPort": 80, "hostPort": 80}]), nodes).node == "a"


def zones() -> Any:
    return cluster(node("a", labels={ZONE: "z1"}), node("b", labels={ZONE: "z1"}), node("c", labels={ZONE: "z2"}))


def test_affinity_and_anti_affinity_by_zone() -> None:
    nodes = zones()
    nodes.place(pod("db", labels={"app": "db"}), "a")
    assert decide(pod(affinity=near({"app": "db"}, ZONE)), nodes).node in ("a", "b")
    assert decide(pod(affinity=near({"app": "db"}, ZONE, anti=True)), nodes).node == "c"
    assert decide(pod(affinity=near({"app": "db"}, "kubernetes.io/hostname")), nodes).node == "a"
    assert "didn't match pod affinity rules" in decide(pod(affinity=near({"app": "none"}, ZONE)), nodes).message
    assert decide(pod(labels={"app": "db"}, namespace="other", affinity=near({"app": "db"}, ZONE)), nodes).node is not None


def test_the_first_of_a_group_may_go_anywhere() -> None:
    assert decide(pod(labels={"app": "new"}, affinity=near({"app": "new"}, ZONE)), zones()).node is not None


def test_pods_that_are_there_keep_others_away() -> None:
    nodes = zones()
    nodes.place(pod("shy", affinity=near({"app": "loud"}, ZONE, anti=True)), "a")
    assert decide(pod(labels={"app": "loud"}), nodes).node == "c"
    nodes.place(pod("shy2", affinity=near({"app": "loud"}, ZONE, anti=True)), "c")
    assert "existing pods anti-affinity" in decide(pod(labels={"app": "loud"}), nodes).message


def test_preferred_affinity_decides_among_equals() -> None:
    nodes = zones()
    nodes.place(pod("db", labels={"app": "db"}), "c")
    for turn in range(3):
        assert decide(pod(affinity=near({"app": "db"}, ZONE, weight=100)), nodes, turn).node == "c"


def spread(key: str, when: str = "DoNotSchedule", **more: Any) -> list[dict[str, Any]]:
    return [{"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": when, "labelSelector": {"matchLabels": {"app": "w"}}, **more}]


def test_spreading_over_zones() -> None:
    nodes = zones()
    nodes.place(pod("w1", labels={"app": "w"}), "a")
    found = decide(pod("w2", labels={"app": "w"}, topologySpreadConstraints=spread(ZONE)), nodes)
    assert (found.node, found.feasible) == ("c", 1)
    nodes.place(pod("w2", labels={"app": "w"}), "c")
    assert decide(pod("w3", labels={"app": "w"}, topologySpreadConstraints=spread(ZONE)), nodes).feasible == 3


def test_spreading_counts_only_nodes_that_the_pod_may_use() -> None:
    nodes = cluster(node("a", labels={ZONE: "z1"}), node("c", labels={ZONE: "z2"}, taints=[TAINT]))
    nodes.place(pod("w1", labels={"app": "w"}), "a")
    stuck = decide(pod("w2", labels={"app": "w"}, topologySpreadConstraints=spread(ZONE)), nodes)
    assert "didn't match pod topology spread constraints" in stuck.message
    honoring = spread(ZONE, nodeTaintsPolicy="Honor")
    assert decide(pod("w2", labels={"app": "w"}, topologySpreadConstraints=honoring), nodes).node == "a"


def test_a_soft_constraint_never_forbids() -> None:
    nodes = cluster(node("a", labels={ZONE: "z1"}))
    nodes.place(pod("w1", labels={"app": "w"}), "a")
    assert decide(pod("w2", labels={"app": "w"}, topologySpreadConstraints=spread(ZONE, "ScheduleAnyway")), nodes).node == "a"


@pytest.mark.parametrize(
    ("spec", "going", "more"),
    [
        ({"priority": 10}, "a", ""),
        (
            {"priority": 10, "preemptionPolicy": "Never"},
            None,
            " no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
        ),
        (
            {"priority": 0},
            None,
            " no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
        ),
        (
            {"priority": 10, "nodeSelector": {"no": "where"}},
            None,
            " no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
        ),
    ],
)
def test_room_is_made_where_that_helps(spec: dict[str, Any], going: str | None, more: str) -> None:
    nodes = cluster(node("a", cpu="1"))
    nodes.place(pod("low", cpu="1", priority=5), "a")
    wanting = pod("vip", cpu="1", **spec)
    found, text = make_room(wanting, nodes, decide(wanting, nodes), ())
    assert (found.node if found else None, text) == (going, more)


def test_one_that_was_promised_a_node_waits_there_for_the_victims() -> None:
    nodes = cluster(node("a", cpu="1"))
    victim = pod("low", cpu="1", priority=5)
    victim.pod.metadata.deletion_timestamp = "2026-01-01T00:00:00Z"
    nodes.place(victim, "a")
    wanting = pod("vip", cpu="1", priority=10)
    wanting.pod.status.nominated_node_name = "a"
    assert make_room(wanting, nodes, Decision(None, "", 0, (0,)), ()) == (
        None,
        " no new claims to deallocate, preemption: not eligible due to a terminating pod on the nominated node.",
    )


def test_what_was_promised_counts_for_those_of_no_higher_priority() -> None:
    nodes = cluster(node("a", cpu="1"))
    promised = [(pod("vip", cpu="1", priority=10), "a")]
    for priority, fits in ((10, False), (11, True)):
        wanting = pod("p", cpu="1", priority=priority)
        with expected(wanting, nodes, promised):
            assert (decide(wanting, nodes).node is not None) is fits
    assert nodes.requested("cpu").tolist() == [0]


@pytest.mark.parametrize(
    ("term", "namespace", "together"),
    [
        ({}, "other", False),
        ({"namespaces": ["other"]}, "other", True),
        ({"namespaceSelector": {}}, "other", True),
        ({"namespaceSelector": {"matchLabels": {"team": "red"}}}, "other", True),
        ({"namespaceSelector": {"matchLabels": {"team": "blue"}}}, "other", False),
        ({"namespaceSelector": {"matchLabels": {"team": "blue"}}}, "ns", False),
        ({"namespaceSelector": {"matchLabels": {"team": "blue"}}, "namespaces": ["ns"]}, "ns", True),
    ],
)
def test_whose_pods_a_term_means(term: dict[str, Any], namespace: str, together: bool) -> None:
    nodes = cluster(node("a"), node("b"))
    nodes.namespaces |= {"other": {"team": "red"}, "ns": {}}
    nodes.place(pod("db", labels={"app": "db"}, namespace=namespace), "b")
    whole = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname", **term}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [whole]}}
    assert decide(pod(affinity=affinity), nodes).node == ("b" if together else None)


@pytest.mark.parametrize(("keys", "node_name"), [({"matchLabelKeys": ["v"]}, "a"), ({"mismatchLabelKeys": ["v"]}, "b")])
def test_label_keys_of_a_term(keys: dict[str, Any], node_name: str) -> None:
    nodes = cluster(node("a"), node("b"))
    nodes.place(pod("one", labels={"app": "w", "v": "1"}), "a")
    nodes.place(pod("two", labels={"app": "w", "v": "2"}), "b")
    whole = {"labelSelector": {"matchLabels": {"app": "w"}}, "topologyKey": "kubernetes.io/hostname", **keys}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [whole]}}
    assert decide(pod(labels={"v": "1"}, affinity=affinity), nodes).node == node_name


def test_pods_that_would_be_near_draw_others() -> None:
    nodes = cluster(node("a"), node("b"), node("c"))
    nodes.place(pod("w", affinity=near({"app": "db"}, "kubernetes.io/hostname", weight=50)), "c")
    assert {decide(pod(labels={"app": "db"}), nodes, turn).node for turn in range(3)} == {"c"}


def test_a_node_without_the_spread_key_is_told_apart() -> None:
    nodes = cluster(node("a", labels={ZONE: "1"}, cpu="8"), node("b", cpu="10"))
    found = decide(pod(cpu="9", labels={"app": "w"}, topologySpreadConstraints=spread(ZONE)), nodes)
    assert "1 node(s) didn't match pod topology spread constraints (missing required label)" in found.message


def test_a_node_is_told_of_for_the_first_plugin_that_turns_it_away() -> None:
    ports = [{"containerPort": 80, "hostPort": 80}]
    nodes = cluster(node("a", cpu="1", taints=[TAINT]), node("b", cpu="1"), node("c", cpu="1", memory="1Mi"))
    nodes.place(pod("there", ports=ports), "b")
    wanting = pod(cpu="2", memory="1Gi", ports=ports, nodeSelector={"kubernetes.io/hostname": "b"})
    expected = "1 node(s) didn't have free ports for the requested pod ports, 1 node(s) didn't match Pod's node affinity/selector"
    assert decide(wanting, nodes).message == f"0/3 nodes are available: {expected}, 1 node(s) had untolerated taint(s)."
    everywhere = "1 node(s) didn't have free ports for the requested pod ports, 1 node(s) had untolerated taint(s)"
    both = decide(pod(cpu="2", memory="1Gi", ports=ports), nodes)
    assert both.message == f"0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, {everywhere}."


def test_preemption_is_tried_only_where_it_could_help() -> None:
    nodes = cluster(node("a", cpu="1"), node("b", cpu="4"))
    nodes.place(pod("there", cpu="3", priority=5), "b")
    wanting = pod(cpu="2", priority=1)
    decision = decide(wanting, nodes)
    assert decision.message == "0/2 nodes are available: 2 Insufficient cpu." and decision.resolvable == (1,)
    text = "1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling"
    assert make_room(wanting, nodes, decision, ()) == (None, f" no new claims to deallocate, preemption: 0/2 nodes are available: {text}.")
    assert decide(pod(cpu="100"), nodes).resolvable == ()
    alone = pod(affinity=near({"app": "nobody"}, "kubernetes.io/hostname"))
    assert decide(alone, nodes).resolvable == ()


def test_a_node_that_no_preemption_helps_is_no_candidate() -> None:
    nodes = cluster(node("a", cpu="2", taints=[TAINT]))
    assert decide(pod(cpu="3"), nodes).resolvable == ()


def test_who_is_turned_away_for_a_claim_preempts_nobody() -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "nope"}}]
    nodes = cluster(node("a"))
    wanting = pod(volumes=volumes)
    decision = decide(wanting, nodes)
    assert decision.message == '0/1 nodes are available: persistentvolumeclaim "nope" not found.'
    assert make_room(wanting, nodes, decision, ()) == (None, " not found")

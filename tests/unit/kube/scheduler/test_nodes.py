"""Proves that columns stay in step with nodes and pods: growing, changing, leaving, and rows used again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.kube.scheduler.nodes import Nodes
from tests.unit.kube.scheduler.objects import cluster, node, pod


def test_rows_grow_and_are_used_again() -> None:
    nodes = cluster(*(node(f"n{i}", cpu=str(i + 1)) for i in range(20)))
    assert nodes.allocatable("cpu").tolist() == [1000 * (i + 1) for i in range(20)]
    nodes.remove("n3")
    assert int(nodes.present.sum()) == 19
    nodes.put(node("new", cpu="64"))
    assert nodes.size == 20 and nodes.allocatable("cpu")[nodes.rows["new"]] == 64_000


def test_a_node_that_left_with_pods_on_it_keeps_its_account_until_they_go() -> None:
    nodes = cluster(node("a"), node("b"))
    here = pod(cpu="1")
    nodes.place(here, "a")
    nodes.remove("a")
    assert nodes.present.tolist() == [False, True]
    nodes.put(node("a"))
    assert nodes.requested("cpu")[nodes.rows["a"]] == 1000
    nodes.remove("a")
    nodes.take_away(here, "a")
    assert "a" not in nodes.rows


def test_placing_again_replaces() -> None:
    nodes = cluster(node("a"))
    nodes.place(pod(cpu="1"), "a")
    nodes.place(pod(cpu="2"), "a")
    assert nodes.requested("cpu").tolist() == [2000] and nodes.requested("pods").tolist() == [1]


def test_a_new_resource_becomes_a_column() -> None:
    nodes = cluster(node("a"))
    assert nodes.column("example.com/gpu") is None
    other = node("b")
    assert other.status.allocatable is not None
    other.status.allocatable["example.com/gpu"] = "2"
    nodes.put(other)
    assert nodes.allocatable("example.com/gpu").tolist() == [0, 2]


@pytest.mark.parametrize("unschedulable", [True, False])
def test_a_cordoned_node_has_the_taint(unschedulable: bool) -> None:
    taints = [t.key for t in cluster(node("a", unschedulable=unschedulable)).taints[0]]
    assert taints == (["node.kubernetes.io/unschedulable"] if unschedulable else [])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 2)), max_size=40))
def test_the_account_is_the_sum_of_what_is_there(steps: list[tuple[bool, int, int]]) -> None:
    nodes = cluster(*(node(f"n{i}") for i in range(3)))
    placed: dict[int, int] = {}
    for put, which, where in steps:
        if put and which not in placed:
            nodes.place(pod(f"p{which}", cpu=f"{which + 1}00m"), f"n{where}")
            placed[which] = where
        elif not put and which in placed:
            nodes.take_away(pod(f"p{which}", cpu=f"{which + 1}00m"), f"n{placed.pop(which)}")
    _same(nodes, placed)


def _same(nodes: Nodes, placed: dict[int, int]) -> None:
    for where in range(3):
        mine = [which for which, host in placed.items() if host == where]
        assert nodes.requested("cpu")[nodes.rows[f"n{where}"]] == sum(100 * (which + 1) for which in mine)
        assert nodes.requested("pods")[nodes.rows[f"n{where}"]] == len(mine)

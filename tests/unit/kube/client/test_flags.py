"""Proves that flags read as upstream's do, and that all mistakes are told at once, with the nearest right name."""

from __future__ import annotations

import pytest

from provisioner.kube.client.flags import FlagError, FlagSet, boolean, comma_list, duration, integer, number, pairs


def flags() -> FlagSet:
    made = FlagSet("kube-test", "a test")
    made.add("leader-elect", boolean, True, "elect")
    made.add("cluster-dns", comma_list, [], "dns")
    made.add("node-labels", pairs, {}, "labels")
    made.add("node-monitor-period", duration, 5.0, "period")
    made.add("secure-port", integer, 10257, "port")
    return made


def test_forms_and_defaults() -> None:
    parsed = flags().parse(
        ["--leader-elect=false", "--cluster-dns", "10.0.0.1,10.0.0.2", "--cluster-dns=10.0.0.3", "--node-labels=a=b,c=d"]
    )
    assert parsed.leader_elect is False
    assert parsed.cluster_dns == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert parsed.node_labels == {"a": "b", "c": "d"}
    assert parsed.secure_port == 10257
    assert parsed.given == {"leader_elect", "cluster_dns", "node_labels"}
    assert flags().parse(["--leader-elect"]).leader_elect is True


def test_every_problem_at_once() -> None:
    with pytest.raises(FlagError) as caught:
        flags().parse(["--leader-elct=true", "--secure-port=https", "stray", "--node-monitor-period"])
    assert str(caught.value).splitlines() == [
        "--leader-elct: unknown flag; did you mean --leader-elect?",
        "--secure-port=https: expected a whole number",
        "stray: unexpected argument; kube-test takes flags only",
        "--node-monitor-period: a value is missing",
    ]


@pytest.mark.parametrize(("text", "seconds"), [("40s", 40.0), ("1m30s", 90.0), ("500ms", 0.5), ("0", 0.0), ("1.5h", 5400.0)])
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "40", "s", "1x", "1m 30s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        duration(text)


@pytest.mark.parametrize(("text", "value"), [("10", 10.0), ("0.5", 0.5), ("0", None), ("-1", None), ("inf", None), ("x", None)])
def test_numbers(text: str, value: float | None) -> None:
    if value is not None:
        assert number(text) == value
        return
    with pytest.raises(ValueError, match="above 0"):
        number(text)

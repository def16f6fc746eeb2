"""Every problem of every host is found at once, with its class and what to do; a fit host has none."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from provisioner.cluster.errors import HostProblem, PreflightError
from provisioner.cluster.preflight import FEATURES, Probed, examine, probe, skew_s
from provisioner.cluster.probe import HostFacts, Listening
from provisioner.cluster.topology import Topology

TOPOLOGY = Topology(("m",), ("w",), ("m",), {"m": "10.0.0.1", "w": "10.0.0.2"})
VALUES = {
    "os_id": "debian",
    "os_version": "12",
    "os_name": "Debian GNU/Linux 12",
    "architecture": "x86_64",
    "init": "systemd",
    "uid": "0",
    "python": "3.11.2",
    "memory_kib": "2000000",
    "machine_id": "aa",
}
GOOD = HostFacts(VALUES, frozenset(FEATURES), {}, {"/": 10**7}, complete=True)


def facts(**changes: Any) -> HostFacts:
    values = {**VALUES, **{key: value for key, value in changes.items() if isinstance(value, str)}}
    fields = {key: value for key, value in changes.items() if not isinstance(value, str)}
    return dataclasses.replace(GOOD, values=values, **fields)


def problems(found: HostFacts, skew_s: float = 0.0, host: str = "m") -> list[tuple[str, str]]:
    return [(p.kind, p.message) for p in examine(TOPOLOGY, {host: Probed(found, skew_s)})]


def test_fit_host() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("found", "kind", "message"),
    [
        (facts(os_id="ubuntu", os_version="20.04", os_name="Ubuntu 20.04"), "system", "it runs Ubuntu 20.04; supported: Debian 12 and 13"),
        (facts(architecture="armv7l"), "system", "its architecture is armv7l; supported: x86_64 and aarch64"),
        (facts(init="sh"), "system", "its first process is sh, not systemd"),
        (facts(uid="1000"), "sudo", "commands run as uid 1000, not as root"),
        (facts(python=""), "python", "it has no python3"),
        (facts(python="3.13.1"), "python", "its /usr/bin/python3 is 3.13.1, and Debian 12's own is 3.11, which the daemons are built for"),
        (facts(memory_kib="400000"), "memory", "it has 390 MiB of memory; a master needs 900"),
        (facts(memory_limit=str(512 << 20)), "memory", "it has 512 MiB of memory; a master needs 900"),
        (facts(disk_free_kib={"/": 10**7, "/var": 2048}), "disk", "/var has 2 MiB free; 1536 are needed"),
        (facts(disk_free_kib={"/": 10**7, "/var/lib/etcd": 2048}), "disk", "/var/lib/etcd has 2 MiB free; 1536 are needed"),
        (facts(features=frozenset(FEATURES) - {"overlay"}), "kernel", FEATURES["overlay"]),
        (
            facts(ports={6443: Listening("nginx", "nginx", "77")}),
            "port",
            "port 6443, which kube-apiserver needs, is taken by nginx (pid 77, nginx.service)",
        ),
    ],
)
def test_one_problem(found: HostFacts, kind: str, message: str) -> None:
    assert problems(found) == [(kind, message)]


def test_what_bounds_nothing_is_no_problem() -> None:
    assert problems(facts(memory_limit="max")) == []
    assert problems(facts(memory_limit="9223372036854771712")) == [], "version 1 of control groups without a limit"
    assert problems(facts(disk_free_kib={"/": 10**7, "/var/lib/etcd": 2048}), host="w") == [], "workers have no etcd"


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ("", False),
        ("m=https://10.0.0.1:2380", False),
        ("m=https://10.0.0.1:2380,n=https://10.0.0.9:2380", True),
        ("other=https://10.0.0.1:2380", True),
    ],
)
def test_members_of_a_running_etcd_are_not_changed(members: str, problem: bool) -> None:
    found = problems(facts(etcd_members=members))
    assert [kind for kind, _ in found] == (["etcd"] if problem else [])


def test_own_units_may_hold_their_ports() -> None:
    held = {6443: Listening("kube-apiserver", "kube-apiserver", "1"), 2379: Listening("etcd", "etcd", "2")}
    assert problems(facts(ports=held)) == []
    assert problems(facts(ports={6443: Listening("nginx", "nginx", "77")}), host="w") == [], "workers need no 6443"


@pytest.mark.parametrize(
    ("theirs", "before", "after", "skew"),
    [
        (1000, 1000.9, 1001.1, 0.0),  # its second may have been the one in which we asked
        (1000, 990.0, 1090.0, 0.0),  # connecting took long: nothing is certain
        (1100, 990.0, 1000.0, 100.0),
        (900, 990.0, 1000.0, -89.0),
        (None, 990.0, 1000.0, 0.0),
    ],
)
def test_only_what_is_certain_of_a_clock_is_said(theirs: int | None, before: float, after: float, skew: float) -> None:
    assert skew_s(theirs, before, after) == pytest.approx(skew)


@pytest.mark.parametrize(("skew", "text"), [(300.0, "300 s ahead of"), (-90.0, "90 s behind")])
def test_clock(skew: float, text: str) -> None:
    [(kind, message)] = problems(GOOD, skew)
    assert kind == "clock"
    assert text in message


def test_clones_are_told_apart_by_name() -> None:
    found = examine(TOPOLOGY, {"m": Probed(GOOD), "w": Probed(GOOD)})
    assert [(p.host, p.kind) for p in found] == [("w", "machine-id")]
    assert "same machine-id as m" in found[0].message


def test_cut_answer_is_one_problem_not_many() -> None:
    assert [kind for kind, _ in problems(HostFacts({"os_id": "debian"}))] == ["shell"]


@dataclass
class Answer:
    stdout: str
    rc: int = 0
    stderr: str = ""


class Unreachable(Exception):
    pass


def test_hosts_are_asked_in_parallel_and_each_failure_is_named() -> None:
    def run(host: str, script: str) -> Answer:
        if host == "w":
            raise Unreachable("no route")
        return Answer("os_id=debian\ntime=0\ndone=yes\n")

    found, failed = probe(TOPOLOGY, run, lambda host, e: HostProblem(host, "connect", str(e)), (Unreachable,))
    assert failed == [HostProblem("w", "connect", "no route")]
    assert found["m"].facts.text("os_id") == "debian"
    assert found["m"].skew_s < -1e9, "a clock at 1970 is far behind"


def test_error_lists_all() -> None:
    error = PreflightError([HostProblem("a", "disk", "full", "make room"), HostProblem("b", "sudo", "refused")])
    assert str(error) == "preflight: 2 problem(s) on 2 host(s); nothing was changed\n  a: disk: full\n    make room\n  b: sudo: refused"

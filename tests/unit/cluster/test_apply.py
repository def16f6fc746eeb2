"""What the engine tells becomes counts, lines and one error that names each host's first failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from provisioner.cluster.apply import Recorder, journal, problem_of
from provisioner.cluster.events import Bus, Event
from provisioner.engine.events import HostDone, Retrying
from provisioner.engine.results import Status


def done(host: str, status: Status, task: str = "etcd : x", action: str = "copy", ignored: bool = False, **result: Any) -> HostDone:
    return HostDone(host, task, action, 1, status, result, ignored=ignored, duration_s=0.5)


@dataclass
class Said:
    stdout: str
    rc: int = 0
    stderr: str = ""


class FakeHosts:
    errors: tuple[type[Exception], ...] = (ConnectionError,)

    def __init__(self) -> None:
        self.scripts: list[str] = []

    def run(self, host: str, script: str) -> Said:
        self.scripts.append(script)
        if host == "gone":
            raise ConnectionError
        return Said("line one\npanic: no certificate\n")


def test_counts_and_first_failures() -> None:
    told: list[Event] = []
    recorder = Recorder(Bus([told.append]), {})
    for event in (
        done("a", Status.OK),
        done("a", Status.CHANGED),
        done("a", Status.SKIPPED),
        done("b", Status.FAILED, task="first", msg="no"),
        done("b", Status.FAILED, task="second", msg="no"),
        done("c", Status.UNREACHABLE, msg="gone"),
        done("a", Status.FAILED, ignored=True, msg="never mind"),
        *(Retrying("a", "etcd is healthy", tried, 60 - tried, {"msg": "refused\nby it"}) for tried in range(1, 13)),
    ):
        recorder(event)
    a = recorder.stats["a"]
    assert (a.ok, a.changed, a.skipped, a.failed, a.seconds) == (2, 1, 1, 0, 2.0)
    assert {host: event.task for host, event in recorder.failures.items()} == {"b": "first", "c": "etcd : x"}
    assert told[1].data == {"status": "changed", "changed": True, "seconds": 0.5}
    assert told[3].data["msg"] == "no"
    assert [event.text for event in told if event.kind == "progress"] == [
        "etcd is healthy: not yet, tried 1 times of 60 (refused)",
        "etcd is healthy: not yet, tried 10 times of 60 (refused)",
    ]


@pytest.mark.parametrize(
    ("failed", "stops"),
    [
        ({"m1": "etcd : etcd runs"}, False),
        ({"m1": "etcd : etcd runs", "w": "kubelet : kubelet runs"}, False),
        ({"m1": "etcd : etcd runs", "m2": "kubelet : kubelet runs"}, False),
        ({"m1": "etcd : etcd runs", "m2": "kube-apiserver : kube-apiserver is ready"}, True),
    ],
)
def test_the_others_are_stopped_when_no_master_is_left(failed: dict[str, str], stops: bool) -> None:
    told: list[Event] = []
    stopped: list[bool] = []
    recorder = Recorder(Bus([told.append]), {}, ["m1", "m2"], lambda: stopped.append(True))
    for host, task in failed.items():
        recorder(done(host, Status.FAILED, task=task, msg="no"))
    recorder(done("late", Status.FAILED, task="kubelet : the API answers", msg="the run was stopped"))
    assert (stopped == [True], "late" in recorder.failures) == (stops, not stops)
    assert [event.text for event in told if event.kind == "progress"] == (
        ["no master is left that could serve the API: the other hosts are stopped"] if stops else []
    )


def test_failed_unit_comes_with_its_journal() -> None:
    hosts = FakeHosts()
    event = done(
        "a", Status.FAILED, task="etcd : etcd runs", action="ansible.builtin.systemd", msg="Unable to start service etcd", name="etcd"
    )
    problem = problem_of(hosts, event)  # type: ignore[arg-type]
    assert problem.kind == "unit"
    assert "the journal of etcd ends with:\n    | line one\n    | panic: no certificate" in str(problem)
    assert hosts.scripts == ["journalctl -u etcd -n 12 --no-pager -o cat 2>&1"]


def test_health_that_never_came_names_the_unit() -> None:
    hosts = FakeHosts()
    problem = problem_of(hosts, done("a", Status.FAILED, task="kubelet : kubelet is healthy", action="uri", msg="refused", attempts=60))  # type: ignore[arg-type]
    assert (problem.kind, hosts.scripts) == ("health", ["journalctl -u kubelet -n 12 --no-pager -o cat 2>&1"])


def test_journal_that_can_not_be_had_is_left_out() -> None:
    hosts = FakeHosts()
    assert journal(hosts, "gone", "etcd") == ""  # type: ignore[arg-type]
    assert journal(hosts, "a", "") == ""  # type: ignore[arg-type]
    assert len(hosts.scripts) == 1

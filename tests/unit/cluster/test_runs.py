"""The log keeps whole lines, and tells which hosts an unfinished run had changed."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from provisioner.cluster.events import Event
from provisioner.cluster.runs import KEPT_RUNS, RunLog, events, unfinished

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def run(runs: Path, minute: int, *lines: Event) -> Path:
    log = RunLog(runs, now=lambda: START + datetime.timedelta(minutes=minute))
    for line in lines:
        log(line)
    log.close()
    return log.path


def changed(host: str) -> Event:
    return Event("result", "x", host, {"changed": True})


APPLIED = Event("stage_end", "apply", "", {"ok": True})
FAILED = Event("stage_end", "apply", "", {"ok": False})


def test_lines_are_json_with_times(tmp_path: Path) -> None:
    path = run(tmp_path, 0, Event("stage_start", "machines"), changed("master-1"))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"time": "2026-01-01T00:00:00.000+00:00", "kind": "stage_start", "text": "machines"},
        {"time": "2026-01-01T00:00:00.000+00:00", "kind": "result", "host": "master-1", "text": "x", "data": {"changed": True}},
    ]
    assert path.stat().st_mode & 0o077 == 0


def test_cut_line_ends_the_reading(tmp_path: Path) -> None:
    path = run(tmp_path, 0, Event("progress", "a"))
    with path.open("a") as file:
        file.write('{"kind": "prog')
    assert [line["text"] for line in events(path)] == ["a"]


def result(host: str, task: str, status: str = "changed") -> Event:
    return Event("result", task, host, {"status": status, "changed": status == "changed"})


def test_nothing_is_unfinished_after_a_good_run(tmp_path: Path) -> None:
    assert unfinished(tmp_path / "none") == {}
    run(tmp_path, 0, result("a", "kubelet : Settings of kubelet"))
    run(tmp_path, 1, result("b", "kubelet : Settings of kubelet"), APPLIED)
    assert unfinished(tmp_path) == {}


def test_killed_between_writing_and_restarting(tmp_path: Path) -> None:
    run(tmp_path, 0, result("a", "etcd : Settings of etcd"), APPLIED)
    run(tmp_path, 1, result("a", "kubelet : Settings of kubelet"), result("a", "kube-proxy : Unit of kube-proxy"))
    run(tmp_path, 2, result("a", "kubelet : Settings of kubelet", "ok"), result("a", "kubelet : kubelet runs", "ok"), FAILED)
    assert unfinished(tmp_path) == {"a": ["kube-proxy"]}


def test_what_failed_or_was_done_already_counts_right(tmp_path: Path) -> None:
    run(
        tmp_path,
        0,
        result("a", "etcd : Settings of etcd"),
        result("a", "etcd : etcd runs"),
        result("a", "docker : Settings of Docker"),
        result("a", "docker : Docker runs", "failed"),
        result("b", "images : Missing images are loaded", "ok"),
        FAILED,
    )
    assert unfinished(tmp_path) == {"a": ["docker"]}


def test_a_new_release_concerns_every_daemon(tmp_path: Path) -> None:
    run(tmp_path, 0, result("a", "release : Release is in use"), result("a", "kubelet : kubelet runs"))
    assert "kubelet" not in unfinished(tmp_path)["a"]
    assert {"kube-proxy", "kube-apiserver"} <= set(unfinished(tmp_path)["a"])


def test_old_runs_go(tmp_path: Path) -> None:
    for minute in range(KEPT_RUNS + 3):
        run(tmp_path, minute)
    assert len(list(tmp_path.iterdir())) == KEPT_RUNS

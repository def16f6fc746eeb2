"""The engine's events in Ansible's words."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.cli.play_output import PlayOutput
from provisioner.engine.events import Event, HostDone, ItemDone, PlayStarted, Recap, TaskStarted
from provisioner.engine.results import HostStats, Status


def done(host: str, status: Status, **result: Any) -> HostDone:
    return HostDone(host, "install", "apt", 1, status, result)


def show(capsys: pytest.CaptureFixture[str], *events: Event, verbosity: int = 0) -> list[str]:
    output = PlayOutput(verbosity, colour=False)
    for event in events:
        output(event)
    return [line for line in capsys.readouterr().out.splitlines() if line]


def test_task_title_comes_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(capsys, PlayStarted("web", ("a", "b")), TaskStarted("install", "apt", 1), done("a", Status.OK), done("b", Status.CHANGED))
    assert lines[0].startswith("PLAY [web] ***")
    assert lines[1].startswith("TASK [install] ***")
    assert lines[2:] == ["ok: [a]", "changed: [b]"]


def test_failure_shows_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(capsys, TaskStarted("install", "apt", 1), done("a", Status.FAILED, failed=True, msg="no such package"))
    assert lines[1] == 'fatal: [a]: FAILED! => {"failed": true, "msg": "no such package"}'


def test_items_have_their_own_lines(capsys: pytest.CaptureFixture[str]) -> None:
    item = ItemDone("a", "install", 1, "git", Status.CHANGED, {"changed": True})
    lines = show(capsys, TaskStarted("install", "apt", 1), item, done("a", Status.CHANGED, results=[{}]))
    assert lines[1:] == ["changed: [a] => (item=git)"]


def test_recap_is_ansibles(capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(capsys, Recap({"a": HostStats(ok=3, changed=1)}))
    assert lines[1] == f"{'a':<26} : ok=3    changed=1    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0"

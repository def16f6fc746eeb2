"""Proves how a play goes through its batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.events import PlayStarted, Warned
from tests.unit.engine.fakes import play, tasks


def test_each_batch_is_told_of_as_it_starts_one_without_hosts_left_too(tmp_path: Path) -> None:
    text = """
- {hosts: all, gather_facts: false, tasks: [{command: fail, when: inventory_hostname == 'h1'}]}
- {hosts: all, gather_facts: false, serial: 1, tasks: [{ping: }]}
"""
    events = play(tmp_path, text, inventory="h1,h2,").events
    assert [event.hosts for event in events if isinstance(event, PlayStarted)] == [("h1", "h2"), (), ("h2",)]


@pytest.mark.parametrize(
    ("strategy", "run_once", "told"),
    [
        ("free", True, ["run_once does not count with the strategy free: each host runs the task"]),
        ("free", False, []),
        ("linear", True, []),
    ],
)
def test_each_host_runs_what_is_to_run_once_where_none_waits(tmp_path: Path, strategy: str, run_once: bool, told: list[str]) -> None:
    done = play(tmp_path, tasks(f"- debug: {{msg: x}}\n  run_once: {run_once}", strategy=strategy), inventory="h1,h2,")
    assert [event.message for event in done.events if isinstance(event, Warned)] == told
    assert len(done.messages("h2")) == (strategy == "free" or not run_once)

"""Proves how a play goes through its batches."""

from __future__ import annotations

from pathlib import Path

from provisioner.engine.events import PlayStarted
from tests.unit.engine.fakes import play


def test_each_batch_is_told_of_as_it_starts_one_without_hosts_left_too(tmp_path: Path) -> None:
    text = """
- {hosts: all, gather_facts: false, tasks: [{command: fail, when: inventory_hostname == 'h1'}]}
- {hosts: all, gather_facts: false, serial: 1, tasks: [{ping: }]}
"""
    events = play(tmp_path, text, inventory="h1,h2,").events
    assert [event.hosts for event in events if isinstance(event, PlayStarted)] == [("h1", "h2"), (), ("h2",)]

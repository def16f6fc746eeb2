"""Proves which variables' names are warned of, once for each place, and where they are said to stand."""

from __future__ import annotations

from pathlib import Path

from provisioner.engine.events import Warned
from tests.unit.engine.fakes import play

PLAY = """
- hosts: all
  gather_facts: false
  vars: {tags: 1, mine: 2}
  tasks:
    - set_fact: {name: 1, own: 2}
    - ping:
      register: loop
    - ping:
      vars: {notify: 3}
    - block:
        - ping:
          vars: {also: 4}
      vars: {port: 5}
    - include_vars: more.yml
"""
FILES = {"more.yml": "when: 6\nplain: 7\n"}
EXPECTED = [("become", 0), ("environment", 0), ("tags", 4), ("name", 6), ("loop", 7), ("notify", 10), ("port", 12), ("when", 15)]


def test_names_of_keywords_are_warned_of_where_they_are_set(tmp_path: Path) -> None:
    inventory = "all:\n  hosts: {h1: , h2: }\n  vars: {environment: prod, gather_subset: 1}\n"
    events = play(tmp_path, PLAY, inventory=inventory, files=FILES, extra_vars={"become": True, "other": 1}).events
    warned = [(event.message.split("'")[1], event.location.line if event.location else 0) for event in events if isinstance(event, Warned)]
    assert warned == EXPECTED

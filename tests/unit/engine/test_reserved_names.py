"""Proves which variables are warned of: those that bear keywords' names, and keys that stand twice in their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.errors import PlaybookError
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


@pytest.mark.parametrize(("mode", "told"), [("warn", ["group_vars/all.yml", "more.yml"]), ("ignore", [])])
def test_keys_that_stand_twice_in_files_of_variables_are_warned_of(tmp_path: Path, mode: str, told: list[str]) -> None:
    files = {"group_vars/all.yml": "a: 1\na: 2\n", "more.yml": "b: 1\nb: 2\n"}
    text = "- {hosts: all, gather_facts: false, tasks: [{include_vars: more.yml}, {ping: }]}\n"
    events = play(tmp_path, text, files=files, settings={"DUPLICATE_YAML_DICT_KEY": mode}).events
    warned = [event.message for event in events if isinstance(event, Warned)]
    assert [message.removeprefix(f"{tmp_path}/").split(":")[0] for message in warned] == told
    assert all(message.endswith("is written twice; the first value is lost") for message in warned)


def test_keys_that_stand_twice_end_the_run_where_that_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="YAML parsing failed: key 'a' is written twice"):
        play(
            tmp_path,
            "- {hosts: all, gather_facts: false, tasks: [{ping: }]}\n",
            files={"group_vars/all.yml": "a: 1\na: 2\n"},
            settings={"DUPLICATE_YAML_DICT_KEY": "error"},
        )

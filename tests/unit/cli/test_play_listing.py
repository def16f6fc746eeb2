"""Proves what the lists of a playbook's tasks and tags name: blocks, roles with their argument specs, handlers not, inherited tags."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.play_listing import Wanted, listing
from provisioner.engine import PlaybookError, Runner
from provisioner.inventory import load

PLAYBOOK = """
- hosts: all
  name: first
  gather_facts: false
  tags: [p]
  roles:
    - {role: spec, port: 1, tags: [r]}
  tasks:
    - block:
        - {name: in block, debug: , tags: [b]}
      rescue:
        - {name: in rescue, debug: }
    - ansible.builtin.debug:
    - {name: late, debug: , tags: [never]}
  handlers:
    - {name: h, debug: }
"""
SPECS = "argument_specs:\n  main:\n    short_description: Main entry\n    options: {port: {type: int, required: true}}\n"
SPEC_LINE = "spec : Validating arguments against arg spec 'main' - Main entry\tTAGS: [always, p, r]"


@pytest.fixture
def lines(tmp_path: Path) -> Any:
    for name, text in {"meta/argument_specs.yml": SPECS, "tasks/main.yml": "- {name: in role, debug: }\n"}.items():
        (tmp_path / "roles/spec" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "roles/spec" / name).write_text(text)
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    inventory = load(["h1,h2,"])
    parsed = Runner(inventory, sessions=Any).parse([tmp_path / "play.yml"])  # type: ignore[arg-type]

    def listed(wanted: Wanted, only: Sequence[str] = (), skip: Sequence[str] = ()) -> list[str]:
        return [line.strip() for line in listing(parsed, inventory, wanted, only=only, skip=skip) if line.strip()][1:]

    return listed


@pytest.mark.parametrize(
    ("only", "skip", "tasks"),
    [
        ((), (), [SPEC_LINE, "spec : in role\tTAGS: [p, r]", "in block\tTAGS: [b, p]", "ansible.builtin.debug\tTAGS: [p]"]),
        (("b",), (), [SPEC_LINE, "in block\tTAGS: [b, p]"]),
        (("r",), ("always",), ["spec : in role\tTAGS: [p, r]"]),
        (("never",), ("always",), ["late\tTAGS: [never, p]"]),
    ],
)
def test_tasks(lines: Any, only: tuple[str, ...], skip: tuple[str, ...], tasks: list[str]) -> None:
    assert lines(Wanted(tasks=True), only, skip) == ["play #1 (all): first\tTAGS: [p]", "tasks:", *tasks]


def test_tags_and_hosts(lines: Any) -> None:
    assert lines(Wanted(tags=True))[-1] == "TASK TAGS: [always, b, never, p, r]"
    assert lines(Wanted(tags=True), skip=("b",))[-1] == "TASK TAGS: [always, p, r]"
    assert lines(Wanted(hosts=True))[1:] == ["pattern: ['all']", "hosts (2):", "h1", "h2"]


def test_the_tags_of_a_play_stand_without_spaces_between(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text("- {hosts: all, name: first, tags: [q, p], gather_facts: false, tasks: [{debug: , tags: r}]}\n")
    inventory = load(["h1,"])
    parsed = Runner(inventory, sessions=Any).parse([tmp_path / "play.yml"])  # type: ignore[arg-type]
    told = [line.partition("TAGS: ")[2] for line in listing(parsed, inventory, Wanted(tasks=True)) if "TAGS" in line]
    assert told == ["[p,q]", "[p, q, r]"]


@pytest.mark.parametrize(
    ("hosts", "shown", "pattern", "matched"),
    [
        ("{{ groups['web'][0] }}", "(h1): h1", "['h1']", ["h1"]),
        ("{{ groups['web'] + ['h3'] }}", "(h1,h2,h3): ['h1', 'h2', 'h3']", "['h1', 'h2', 'h3']", ["h1", "h2", "h3"]),
        ("{{ groups['nobody'] | default([]) }}", "(): []", "[]", []),
        (["{{ by_file }}", "h3"], "(h2,h3): {{ by_file }},h3", "['h2', 'h3']", ["h2", "h3"]),
        ("{{ asked }}", "(h3): h3", "['h3']", ["h3"]),
    ],
)
def test_hosts_that_a_template_names(tmp_path: Path, hosts: Any, shown: str, pattern: str, matched: list[str]) -> None:
    play = {"hosts": hosts, "vars_files": ["v.json"], "vars_prompt": [{"name": "asked", "default": "h3"}]}
    (tmp_path / "v.json").write_text('{"by_file": "h2"}')
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    (tmp_path / "hosts.ini").write_text("h3\n[web]\nh1\nh2\n")
    inventory = load([str(tmp_path / "hosts.ini")])
    runner = Runner(inventory, sessions=Any)  # type: ignore[arg-type]
    told = [line.strip() for line in listing(runner.parse([tmp_path / "play.yml"]), inventory, Wanted(hosts=True), scope=runner.scope)]
    assert told[3:] == [f"play #1 {shown}\tTAGS: []", f"pattern: {pattern}", f"hosts ({len(matched)}):", *matched]


def test_hosts_of_an_unknown_variable_are_an_error_of_syntax(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text("- hosts: '{{ nobody }}'\n")
    inventory = load(["h1,"])
    runner = Runner(inventory, sessions=Any)  # type: ignore[arg-type]
    with pytest.raises(PlaybookError, match=r"play.yml:1:3: Error processing keyword 'hosts': 'nobody' is undefined"):
        list(listing(runner.parse([tmp_path / "play.yml"]), inventory, Wanted(syntax=True), scope=runner.scope))

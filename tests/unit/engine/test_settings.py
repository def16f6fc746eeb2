"""Proves what settings of ansible.cfg do to a run: which variables are seen, what is hidden, when a task's time is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.engine import PlaybookError
from provisioner.engine.events import Warned
from tests.unit.engine.fakes import play, tasks

ROLE = {
    "roles/r/vars/main.yml": "of_vars: 1\n",
    "roles/r/defaults/main.yml": "of_defaults: 2\n",
    "roles/r/tasks/main.yml": "- debug: {msg: '{{ of_vars }}'}\n",
}
SEEN = "- debug: {msg: '{{ of_vars | default(0) }}{{ of_defaults | default(0) }}'}\n"


@pytest.mark.parametrize(("settings", "seen"), [({}, "12"), ({"DEFAULT_PRIVATE_ROLE_VARS": True}, "00")])
def test_whether_a_roles_variables_are_its_own(tmp_path: Path, settings: dict[str, Any], seen: str) -> None:
    assert play(tmp_path, tasks(SEEN, roles=["r"]), files=ROLE, settings=settings).messages() == [1, seen]


@pytest.mark.parametrize(("settings", "seen"), [({}, [True, True]), ({"INJECT_FACTS_AS_VARS": False}, [False, True])])
def test_whether_facts_are_variables_of_their_own(tmp_path: Path, settings: dict[str, Any], seen: list[bool]) -> None:
    text = tasks("- debug: {msg: '{{ [ansible_distribution is defined, ansible_facts.distribution is defined] }}'}\n", gather_facts=True)
    assert play(tmp_path, text, settings=settings).messages() == [seen]


def test_everything_is_hidden_unless_something_says_otherwise(tmp_path: Path) -> None:
    text = tasks("- {name: a, debug: {msg: hidden}}\n- {name: b, debug: {msg: shown}, no_log: false}\n")
    done = play(tmp_path, text, settings={"DEFAULT_NO_LOG": True})
    assert "censored" in done.results("a")[0] and done.results("b")[0]["msg"] == "shown"


def test_a_tasks_time(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- ping:\n- {ping: , timeout: abc, ignore_errors: true}\n"), settings={"TASK_TIMEOUT": "x"})
    assert "keyword 'timeout': The value 'x' could not be converted to 'int'" in done.results("ping")[0]["msg"]


@pytest.mark.parametrize(("mode", "warned"), [(None, True), ("warn", True), ("ignore", False)])
def test_a_key_that_stands_twice(tmp_path: Path, mode: str | None, warned: bool) -> None:
    text = (
        "- hosts: all\n  gather_facts: false\n  vars:\n    a: 1\n    a: 2\n  tasks:\n  - debug: msg={{ a }}\n  - include_tasks: more.yml\n"
    )
    settings = {} if mode is None else {"DUPLICATE_YAML_DICT_KEY": mode}
    done = play(tmp_path, text, files={"more.yml": "- debug:\n    msg: 3\n    msg: 4\n"}, settings=settings)
    places = [event.message.partition(": ")[0].rpartition("/")[2] for event in done.events if isinstance(event, Warned)]
    assert done.messages() == [2, 4] and places == (["play.yml:5:5", "more.yml:3:5"] if warned else [])
    with pytest.raises(PlaybookError, match="YAML parsing failed: key 'a' is written twice"):
        play(tmp_path, text, settings={"DUPLICATE_YAML_DICT_KEY": "error"})


def test_mappings_of_all_levels_are_merged(tmp_path: Path) -> None:
    files = {
        "group_vars/all/one.yml": "d: {file: 1, s: file}\n",
        "group_vars/all/two.yml": "d: {file2: 1}\n",
        "host_vars/h1.yml": "d: {of_host: 1}\n",
        "one.yml": "d: {listed: 1}\n",
        "two.yml": "d: {listed2: 1}\n",
        "inc.yml": "d: {included: 1}\n",
        "roles/r/defaults/main/a.yml": "d: {default: 1}\n",
        "roles/r/defaults/main/b.yml": "d: {default2: 1}\n",
        "roles/r/tasks/main.yml": "- include_vars: {file: inc.yml, hash_behaviour: merge}\n- set_fact: {d: {fact: '{{ 1 }}', s: fact}}\n",
    }
    text = tasks("- debug: {msg: '{{ d }}'}\n- debug: {msg: '{{ hostvars.h1.d }}'}", roles=["r"], vars={"d": {"played": 1}})
    text = text.replace("gather_facts", "vars_files: [one.yml, two.yml]\n  gather_facts")
    seen, of_host = play(tmp_path, text, files=files, settings={"DEFAULT_HASH_BEHAVIOUR": "merge"}).messages()
    own = {"file", "file2", "of_host", "included", "fact", "s"}
    assert set(seen) == own | {"played", "listed", "listed2", "default", "default2"} and seen["s"] == "fact"
    assert set(of_host) == own


def test_answers_to_prompts_are_text_also_where_nobody_gives_one(tmp_path: Path) -> None:
    def nobody(text: str, private: bool) -> str:
        raise EOFError

    prompts = [{"name": "a"}, {"name": "b", "default": "{{ 1 + 1 }}"}]
    text = tasks("- debug: {msg: '{{ [a, b] }}'}", vars_prompt=prompts)
    assert play(tmp_path, text, prompt=nobody).messages() == [["None", "2"]]

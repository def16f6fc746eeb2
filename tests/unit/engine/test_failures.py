"""Proves what tasks that fail say and leave behind, loops that cannot be told included, and that all of it can be ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine import PlaybookError
from tests.unit.engine.fakes import play, tasks


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("set_fact: {'x{{ item }}': '{{ {1: 2}[item] }}'}\n  loop: [1, 2]", "x1"),
        ("set_fact: {found: 1}\n  failed_when: true", "found"),
        ("set_fact: {found: 1}\n  failed_when: item == 2\n  loop: [1, 2]", "found"),
        ("setup:\n  failed_when: true", "ansible_hostname"),
        ("include_vars: {file: nowhere.yml, name: found}", "found"),
    ],
)
def test_a_task_that_fails_leaves_no_facts(tmp_path: Path, task: str, name: str) -> None:
    done = play(tmp_path, tasks(f"- {task}\n  ignore_errors: true\n- debug: {{msg: '{{{{ {name} is defined }}}}'}}\n"))
    assert done.messages() == [False] and done.stats()["ignored"] == 1


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("ping: {}\n  failed_when: true", "Task failed: Action failed: Unknown error."),
        ("debug: msg=a b", "Task failed: Action 'ansible.builtin.debug' does not support raw params."),
        ("debug: {msg: a}\n  when: a b", "Task failed: Syntax error in expression: chunk after expression"),
        (
            "debug: {msg: a}\n  when: not {{ true }}",
            "Task failed: Syntax error in expression. Template delimiters are not supported in expressions: expected token ':', got '}'",
        ),
        ("debug: {var: lookup}", "Task failed: Error while resolving `var` expression: Error rendering expression: "),
        ("ping: {}\n  module_defaults: {ping: {data: '{{ nope }}'}}", "Error while resolving value for 'data': 'nope' is undefined"),
    ],
)
def test_what_failures_say(tmp_path: Path, task: str, message: str) -> None:
    done = play(tmp_path, tasks(f"- {task}\n  name: it\n  ignore_errors: true\n"))
    assert message in done.results("it")[0]["msg"]


@pytest.mark.parametrize(
    ("loop", "message", "tried"),
    [
        ("loop: '{{ nope }}'", "Task failed: 'nope' is undefined", True),
        ("loop: '{{ [{}] | subelements(\"a\") }}'", "The filter plugin 'ansible.builtin.subelements' failed: ", False),
        ("loop: '{{ omit }}'", "A template was resolved to an Omit scalar.", False),
        (
            "loop: [1]\n  loop_control: {pause: x}",
            "Error processing keyword 'pause': The value 'x' could not be converted to 'float'.",
            False,
        ),
        ("loop: [1]\n  loop_control: {break_when: a b}", "Task failed: Syntax error in expression: chunk after expression", True),
        ("loop: [1]\n  register: '{{ nope }}'", "'nope' is undefined", True),
    ],
)
def test_loops_that_cannot_be_told_can_be_ignored(tmp_path: Path, loop: str, message: str, tried: bool) -> None:
    done = play(tmp_path, tasks(f"- ping:\n  {loop}\n  ignore_errors: true\n"))
    [result] = done.results("ping")
    assert message in result["msg"] and ("changed" in result) is tried and done.stats() == {"ok": 1, "ignored": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [("with_items: ", "you must specify a value when using with_items"), ("loop: [1]\n  with_list: [2]", "duplicate loop in task: list")],
)
def test_loops_that_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PlaybookError, match=message) as caught:
        play(tmp_path, tasks(f"- ping:\n  {text}\n"))
    assert caught.value.exit_code == 1

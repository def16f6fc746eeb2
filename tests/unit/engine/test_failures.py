"""Proves what tasks that fail say and leave behind, loops that cannot be told included, and that all of it can be ignored."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

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
        ("loop: [1]\n  loop_control: {break_when: a b}", "Syntax error in expression: chunk after expression", False),
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


def test_what_nobody_has_foreseen_in_an_action_is_a_failure_as_any_other(tmp_path: Path) -> None:
    text = tasks(
        "- ping:\n  register: r\n  ignore_errors: true\n- debug: {msg: '{{ [r is failed, r.msg] }}'}\n- ping:\n  failed_when: false\n"
    )
    with patch("provisioner.engine.actions.action_call.ActionCall.request", side_effect=KeyError("odd")):
        done = play(tmp_path, text)
    assert done.messages() == [[True, "Task failed: 'odd'"]] and done.stats() == {"ok": 3, "ignored": 1}


@pytest.mark.parametrize("serial", ["abc", "x%"])
def test_a_size_of_batches_that_is_no_number(tmp_path: Path, serial: str) -> None:
    with pytest.raises(PlaybookError, match=f"serial must be a number or a percentage, not '{serial}'") as caught:
        play(tmp_path, tasks("- ping:\n", serial=serial))
    assert caught.value.exit_code == 250


@pytest.mark.parametrize("name", ["a-b", "1a", "'{{ nope }}'", "''", "[a]"])
def test_a_result_is_registered_under_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(PlaybookError, match="Invalid 'register' specified: Invalid variable name") as caught:
        play(tmp_path, tasks(f"- ping:\n  register: {name}\n"))
    assert caught.value.exit_code == 4


def test_hosts_of_a_free_strategy_are_not_stopped_by_others(tmp_path: Path) -> None:
    text = tasks("- fail:\n  when: inventory_hostname == 'h1'\n", strategy="free", any_errors_fatal=True) + tasks("- ping:\n")
    assert play(tmp_path, text, inventory="h1,h2,").done("h2")[-1] == "ping=ok"

"""Proves what becomes of keywords that take no such value: the task fails (and may be ignored, or skipped before), plays are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine import PlaybookError
from tests.unit.engine.fakes import play, tasks

FLAGS = ("any_errors_fatal", "become", "check_mode", "delegate_facts", "diff", "ignore_unreachable", "run_once")


@pytest.mark.parametrize("value", ["maybe", "{{ 'maybe' }}"])
@pytest.mark.parametrize("keyword", FLAGS)
def test_what_is_neither_true_nor_false_fails_its_task(tmp_path: Path, keyword: str, value: str) -> None:
    done = play(
        tmp_path, tasks(f'- {{ping: , {keyword}: "{value}", ignore_errors: true}}\n- {{ping: , {keyword}: "{value}", when: false}}\n')
    )
    [failed, skipped] = done.results("ping")
    assert failed["msg"] == f"Task failed: Error processing keyword '{keyword}': The value 'maybe' could not be converted to 'bool'."
    assert skipped["skipped"] and done.stats() == {"ok": 1, "ignored": 1, "skipped": 1}


@pytest.mark.parametrize(
    ("keyword", "told", "kind"),
    [("async", "async_val", "int"), ("delay", "delay", "float"), ("retries", "retries", "int"), ("timeout", "timeout", "int")],
)
def test_what_is_no_number_fails_its_task(tmp_path: Path, keyword: str, told: str, kind: str) -> None:
    done = play(tmp_path, tasks(f"- {{ping: , retries: 1, {keyword}: abc}}\n" if keyword != "retries" else "- {ping: , retries: abc}\n"))
    assert (
        done.results("ping")[0]["msg"]
        == f"Task failed: Error processing keyword '{told}': The value 'abc' could not be converted to '{kind}'."
    )


@pytest.mark.parametrize("value", ["{{ nope }}", "maybe"])
def test_a_failure_that_nobody_can_tell_whether_to_ignore_is_ignored(tmp_path: Path, value: str) -> None:
    done = play(tmp_path, tasks(f'- {{ping: , ignore_errors: "{value}"}}\n'))
    assert "Error processing keyword 'ignore_errors'" in done.results("ping")[0]["msg"] and done.stats() == {"ok": 1, "ignored": 1}


@pytest.mark.parametrize(
    ("text", "message", "code"),
    [
        ("- {hosts: all, strategy: acme.nope}\n", "Invalid play strategy specified: nope", 1),
        ("- import_playbook: '{{ nope }}.yml'\n", "Error processing keyword 'import_playbook': 'nope' is undefined", 4),
        ("- {hosts: all, order: nope, gather_facts: false}\n", "Invalid 'order' specified for inventory hosts: nope", 5),
        ("- {hosts: all, vars: {a b: 1}}\n", "Invalid variable name 'a b'", 1),
        (tasks("- {ping: , loop: [1], with_items: [2]}"), "duplicate loop in task", 1),
        (tasks("- {ping: , nope: 1}"), "is not a valid attribute for a Task", 4),
        (tasks("- {meta: end_role}"), "Cannot execute 'end_role' from outside of a role", 4),
        ("- {hosts: all, become: maybe}\n", "must be true or false, but is 'maybe'", 4),
    ],
)
def test_what_a_play_cannot_be_run_with_ends_with_ansibles_code(tmp_path: Path, text: str, message: str, code: int) -> None:
    with pytest.raises(PlaybookError, match=message) as caught:
        play(tmp_path, text)
    assert caught.value.exit_code == code


def test_notify_is_rendered_before_the_task_runs(tmp_path: Path) -> None:
    done = play(tmp_path, tasks('- {command: echo a, register: found, notify: "{{ found.stdout }}", ignore_errors: true}\n'))
    assert done.results("command")[0]["msg"].startswith("Task failed: Error processing keyword 'notify': 'found' is undefined")
    assert done.pool.sessions == {} or done.pool.sessions["h1"].log == []

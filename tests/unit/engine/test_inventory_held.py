"""Proves that hosts and groups that a task adds are gone where it fails after all, and that its result says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.engine.fakes import play, tasks


@pytest.mark.parametrize(
    ("task", "groups"),
    [
        ("add_host: {name: new, groups: g}\n  failed_when: true", ["h1"]),
        ("add_host: {name: 'n{{ item }}', groups: g}\n  loop: [1, 2]\n  failed_when: item == 2", ["h1"]),
        ("group_by: {key: g}\n  failed_when: true", ["h1"]),
        ("add_host: {name: new, groups: g}\n  failed_when: false", ["h1", "new"]),
    ],
)
def test_hosts_and_groups_of_a_task_that_fails_are_not_there(tmp_path: Path, task: str, groups: list[str]) -> None:
    done = play(
        tmp_path, tasks(f"- {task}\n  name: it\n  ignore_errors: true\n- debug: {{msg: '{{{{ [groups.all, groups.g is defined] }}}}'}}\n")
    )
    assert sorted(done.messages()[0][0]) == groups and done.messages()[0][1] is ("new" in groups)
    assert done.results("it")[0]["changed"] is ("new" in groups)

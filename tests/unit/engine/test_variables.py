"""Proves what `vars` and `hostvars` are where somebody looks at all of them: plain mappings, without what is ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.fakes import play

PLAY = "- hosts: all\n  gather_facts: false\n  vars: {fine: '{{ 1 + 1 }}', bad: '{{ nowhere }}'}\n  tasks:\n"


def shown(tmp_path: Path, task: str, head: str = PLAY) -> dict[str, Any]:
    found: dict[str, Any] = play(tmp_path, f"{head}    - {task}\n      ignore_errors: true\n").results("debug")[0]
    return found


def test_all_variables_are_shown_as_a_mapping(tmp_path: Path) -> None:
    found = shown(tmp_path, "debug: var=vars")["vars"]
    assert (found["fine"], found["bad"]) == (2, "<< error 1 - 'nowhere' is undefined >>")
    assert found["hostvars"]["h1"]["inventory_hostname"] == "h1"
    assert not [name for name in found if name.startswith("__") or name in ("vars", "omit")]


@pytest.mark.parametrize("asked", ["debug: var=hostvars.h1", "debug: msg={{hostvars.h1}}", "debug: msg={{hostvars.h1|to_yaml|from_yaml}}"])
def test_what_is_known_of_a_host_is_a_mapping(tmp_path: Path, asked: str) -> None:
    found = shown(tmp_path, asked)
    of_host = found["msg"] if "msg" in found else found["hostvars.h1"]
    assert of_host["inventory_hostname"] == "h1" and of_host["ansible_config_file"] is None
    assert "hostvars" not in of_host and "ansible_play_hosts" not in of_host and "fine" not in of_host


@pytest.mark.parametrize("asked", ["{{ vars }}", "{{ vars | to_json }}", "{{ [vars] }}"])
def test_one_that_is_undefined_fails_who_wants_them_all(tmp_path: Path, asked: str) -> None:
    assert "'nowhere' is undefined" in shown(tmp_path, f'debug: {{msg: "{asked}"}}')["msg"]


def test_an_argument_that_takes_them_is_named(tmp_path: Path) -> None:
    done = play(tmp_path, f'{PLAY}    - set_fact: {{all: "{{{{ vars }}}}"}}\n')
    assert "Error while resolving value for 'all': 'nowhere' is undefined" in done.results("set_fact")[0]["msg"]

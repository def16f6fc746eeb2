"""Proves that no_log is kept for each item, wherever something is told of it, and where it can't be evaluated; that keywords of a task that is
skipped may be ones that can't be evaluated."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.events import HostDone, ItemDone, Retrying
from tests.unit.engine.fakes import play, tasks


def test_what_no_log_hides_for_one_item_is_in_nothing_that_is_told(tmp_path: Path) -> None:
    text = tasks(
        """
- name: the hidden item comes first
  command: echo {{ item.word }}
  loop: [{word: secret, hide: true}, {word: seen, hide: false}]
  no_log: "{{ item.hide }}"
- name: nobody can tell
  command: echo {{ item }}
  loop: [secret]
  no_log: "{{ item.hide }}"
  ignore_errors: true
- name: nobody can tell, once
  command: echo secret
  no_log: "{{ nowhere }}"
  ignore_errors: true
- name: a loop that can't be told
  command: echo {{ item }}
  loop: "{{ ['secret'] + nowhere }}"
  no_log: "{{ item.hide }}"
  ignore_errors: true
- name: tried again
  command: fail secret
  register: tried
  until: tried is success
  retries: 1
  delay: 0
  no_log: true
  ignore_errors: true
"""
    )
    done = play(tmp_path, text)
    told = [event for event in done.events if isinstance(event, HostDone | ItemDone | Retrying)]
    assert [type(event).__name__ for event in told] == [
        *("ItemDone", "ItemDone", "HostDone"),
        *("ItemDone", "HostDone"),
        *("HostDone", "HostDone"),
        *("Retrying", "HostDone"),
    ]
    assert "secret" not in repr([(event.result, getattr(event, "label", "")) for event in told])
    assert "seen" in repr(told[1].result)


@pytest.mark.parametrize(
    "keyword",
    [
        "environment: {A: '{{ nope }}'}",
        "delegate_to: '{{ nope }}'",
        "become: '{{ nope }}'",
        "check_mode: '{{ nope }}'",
        "timeout: '{{ nope }}'",
    ],
)
def test_conditions_come_before_the_other_keywords(tmp_path: Path, keyword: str) -> None:
    text = f"- {{command: echo, when: false, {keyword}}}\n- {{command: 'echo {{{{ item }}}}', loop: [1], when: item == 2, {keyword}}}\n"
    done = play(tmp_path, tasks(f"{text}- {{command: echo, {keyword}}}"))
    assert done.stats() == {"skipped": 2, "failed": 1}
    assert "'nope' is undefined" in done.results("command")[-1]["msg"]

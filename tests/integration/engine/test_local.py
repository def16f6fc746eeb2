"""Proves the engine with the real agent and modules over a local connection: what is written, what a second run changes, what check says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine import Runner, RunOptions, RunResult
from provisioner.engine.events import Event, HostDone
from provisioner.engine.sessions import Target
from provisioner.inventory import load
from provisioner.transport.session import HostSession

PLAYBOOK = """
- hosts: all
  gather_facts: false
  vars: {greeting: hello}
  tasks:
    - name: folder
      ansible.builtin.file: {path: "{{ root }}/d", state: directory, mode: "0750"}
    - name: rendered
      ansible.builtin.template: {src: t.j2, dest: "{{ root }}/d/t", mode: "0640"}
      notify: said
    - name: copied
      copy: {src: "{{ item }}", dest: "{{ root }}/d/"}
      loop: [one.txt, two.txt]
    - name: text
      copy: {content: "{{ greeting }}\\n", dest: "{{ root }}/d/text"}
    - name: reads
      command: cat {{ root }}/d/t
      register: out
      changed_when: false
      when: not ansible_check_mode
    - name: shown
      debug: {msg: "{{ out.stdout | default('') }}"}
    - name: fetched
      fetch: {src: "{{ root }}/d/text", dest: "{{ root }}/fetched/", flat: true}
      when: not ansible_check_mode
  handlers:
    - name: said
      command: touch {{ root }}/handled
"""


class Pool:
    def __init__(self) -> None:
        self.sessions: dict[Any, HostSession] = {}

    def session(self, host: Target) -> HostSession:
        settings = host.connection
        if settings not in self.sessions:
            self.sessions[settings] = HostSession(settings)
        return self.sessions[settings]

    def close(self) -> None:
        for session in self.sessions.values():
            session.close()


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool()
    yield made
    made.close()


def run(tmp_path: Path, pool: Pool, **options: Any) -> tuple[RunResult, dict[str, HostDone]]:
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    (tmp_path / "templates").mkdir(exist_ok=True)
    (tmp_path / "templates/t.j2").write_text("{{ greeting }} from {{ inventory_hostname }}\n")
    (tmp_path / "files").mkdir(exist_ok=True)
    (tmp_path / "files/one.txt").write_text("1\n")
    (tmp_path / "files/two.txt").write_bytes(bytes(range(256)))
    events: list[Event] = []
    inventory = load(["box,"], extra_vars={"root": str(tmp_path / "root"), "ansible_connection": "local"})
    (tmp_path / "root").mkdir(exist_ok=True)
    result = Runner(
        inventory, options=RunOptions(extra_vars=inventory.extra_vars, **options), sessions=pool, callbacks=[events.append]
    ).run([tmp_path / "play.yml"])
    return result, {e.task: e for e in events if isinstance(e, HostDone)}


def counts(result: RunResult) -> dict[str, int]:
    return {key: value for key, value in vars(result.stats["box"]).items() if value}


def test_first_run_changes_second_does_not(tmp_path: Path, pool: Pool) -> None:
    result, done = run(tmp_path, pool)
    assert counts(result) == {"ok": 8, "changed": 6}, {name: e.result for name, e in done.items()}
    root = tmp_path / "root"
    assert (root / "d/t").read_text() == "hello from box\n"
    assert (root / "d/t").stat().st_mode & 0o777 == 0o640
    assert (root / "d").stat().st_mode & 0o777 == 0o750
    assert (root / "d/two.txt").read_bytes() == bytes(range(256))
    assert (root / "fetched/text").read_text() == "hello\n"
    assert (root / "handled").exists()
    assert done["shown"].result["msg"] == "hello from box"
    again, _ = run(tmp_path, pool)
    assert counts(again) == {"ok": 7}


def test_check_mode_changes_nothing_and_diff_says_what_would(tmp_path: Path, pool: Pool) -> None:
    run(tmp_path, pool)
    (tmp_path / "root/d/t").write_text("old\n")
    result, done = run(tmp_path, pool, check=True, diff=True)
    assert (tmp_path / "root/d/t").read_text() == "old\n"
    diff = done["rendered"].result["diff"]
    shown = diff[0] if isinstance(diff, list) else diff
    assert (shown["before"], shown["after"]) == ("old\n", "hello from box\n")
    assert done["rendered"].result["changed"] is True
    assert result.exit_code == 0

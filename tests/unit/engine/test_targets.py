"""Proves what tasks know of how their hosts are reached."""

from __future__ import annotations

from pathlib import Path

from tests.unit.engine.fakes import play, tasks


def test_how_a_host_is_reached_is_known_where_no_variable_says_it(tmp_path: Path) -> None:
    listed = tasks("""
- debug: {msg: "{{ ansible_connection }} {{ ansible_user | d('none') }} {{ ansible_host }}"}
- debug: {msg: "{{ ansible_connection }} {{ ansible_ssh_user }}"}
  remote_user: jo
- debug: {msg: "{{ ansible_connection }}"}
  delegate_to: localhost
- debug: {msg: "{{ ansible_connection }}"}
  vars: {ansible_connection: local}
- debug: {msg: "{{ hostvars.h1.ansible_connection | d('none') }}"}
""")
    assert play(tmp_path, listed).messages() == ["ssh none h1", "ssh jo", "local", "local", "none"]

"""Proves what tasks know of how their hosts are reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.errors import RunError
from provisioner.engine.events import Warned
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


def test_become_has_a_program_and_flags(tmp_path: Path) -> None:
    """Variables come before keywords, keywords before settings; those of a method count for it alone."""
    listed = """
- hosts: all
  gather_facts: false
  become: true
  become_flags: -E
  tasks:
    - ping:
    - ping:
      become_exe: /opt/sudo
      become_flags: "{{ '-i' }}"
    - ping:
      vars: {ansible_become_flags: '', ansible_become_user: jo}
    - ping:
      become_method: su
      vars: {ansible_su_flags: -l, ansible_su_exe: /bin/su, ansible_su_user: ann, ansible_sudo_flags: -K}
"""
    done = play(tmp_path, listed, settings={"DEFAULT_BECOME_EXE": "sudo2", "DEFAULT_BECOME_FLAGS": "-H"})
    found = [(b.method, b.user, b.exe, b.flags) for b in done.pool.sessions["h1"].becomes]
    assert found == [
        ("sudo", "root", "sudo2", "-E"),
        ("sudo", "root", "/opt/sudo", "-i"),
        ("sudo", "jo", "sudo2", ""),
        ("su", "ann", "/bin/su", "-l"),
    ]


@pytest.mark.parametrize(("mode", "warned"), [("warning", 1), ("ignore", 0)])
def test_a_pattern_that_matches_nothing(tmp_path: Path, mode: str, warned: int) -> None:
    text = "- {hosts: 'h1:nobody', gather_facts: false}\n"
    done = play(tmp_path, text, settings={"HOST_PATTERN_MISMATCH": mode})
    assert len([event for event in done.events if isinstance(event, Warned)]) == warned
    with pytest.raises(RunError, match="Could not match supplied host pattern, ignoring: nobody"):
        play(tmp_path, text, settings={"HOST_PATTERN_MISMATCH": "error"})

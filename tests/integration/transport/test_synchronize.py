"""Proves synchronize over a real sshd: to and from the host, with a key, with a password, and as another user."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from private_host import PASSWORD, PrivateHost

from provisioner.engine import Runner, RunOptions
from provisioner.engine.events import Event, HostDone
from provisioner.inventory import load
from tests.integration.engine.test_local import Pool

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: push, ansible.posix.synchronize: {src: tree/, dest: "{{ there }}/"}}
    - {name: again, ansible.posix.synchronize: {src: tree/, dest: "{{ there }}/"}}
    - {name: checked, ansible.posix.synchronize: {src: tree/, dest: "{{ there }}-not/"}, check_mode: true}
    - {name: pull, synchronize: {src: "{{ there }}/", dest: "{{ back }}/", mode: pull}}
    - {name: there, synchronize: {src: "{{ there }}/", dest: "{{ there }}-copy/"}, delegate_to: "{{ inventory_hostname }}"}
"""


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
@pytest.mark.parametrize(("user", "more"), [("root", {}), ("deploy", {"ansible_become": True}), ("guest", {"ansible_password": PASSWORD})])
def test_over_ssh(host: PrivateHost, tmp_path: Path, user: str, more: dict[str, Any]) -> None:
    (tmp_path / "files/tree").mkdir(parents=True)
    (tmp_path / "files/tree/with space").write_text("content")
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    options = f"-o UserKnownHostsFile={host.known_hosts}"
    variables: dict[str, Any] = {
        "ansible_host": "127.0.0.1",
        "ansible_port": host.port,
        "ansible_user": user,
        "ansible_ssh_common_args": options,
    }
    variables.update(there=f"/home/{user}/tree", back=str(tmp_path / "back"), **more)
    if "ansible_password" not in more:
        variables["ansible_ssh_private_key_file"] = str(host.key)
    events: list[Event] = []
    pool = Pool()
    try:
        Runner(load(["box,"]), options=RunOptions(extra_vars=variables), sessions=pool, callbacks=[events.append]).run(
            [tmp_path / "play.yml"]
        )
    finally:
        pool.close()
    done = {e.task: e.result for e in events if isinstance(e, HostDone)}
    assert {name: result["changed"] for name, result in done.items()} == {
        "push": True, "again": False, "checked": True, "pull": True, "there": True
    }, done  # fmt: skip
    assert (tmp_path / "back/with space").read_text() == "content"
    assert not host.seen(f"/home/{user}/tree-not").exists()
    assert host.seen(f"/home/{user}/tree/with space").stat().st_uid == (
        0 if user in ("root", "deploy") else host.seen("/home/guest").stat().st_uid
    )
    assert PASSWORD not in str(done)

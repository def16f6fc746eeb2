"""Proves asynchronous tasks with the real agent: waiting for them, letting them run, and giving up on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provisioner.engine import Runner, RunOptions
from provisioner.engine.events import Event, HostDone
from provisioner.inventory import load
from tests.integration.engine.test_local import Pool

PLAYBOOK = """
- hosts: all
  gather_facts: false
  environment: {ANSIBLE_ASYNC_DIR: "{{ jobs }}"}
  tasks:
    - {name: waited, command: echo done, async: 20, poll: 0.05}
    - {name: started, shell: echo later, async: 20, poll: 0, register: job}
    - {name: asked, async_status: {jid: "{{ job.ansible_job_id }}"}, register: said, until: said.finished, retries: 200, delay: 0.05}
    - {name: too long, command: sleep 30, async: 1, poll: 0.2, ignore_errors: true}
    - {name: far too long, command: sleep 30, async: 1, poll: 6, ignore_errors: true}
"""


def test_async_tasks(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    events: list[Event] = []
    variables: dict[str, Any] = {"jobs": str(tmp_path / "jobs"), "ansible_connection": "local"}
    pool = Pool()
    try:
        Runner(load(["box,"]), options=RunOptions(extra_vars=variables), sessions=pool, callbacks=[events.append]).run(
            [tmp_path / "play.yml"]
        )
    finally:
        pool.close()
    done = {e.task: e.result for e in events if isinstance(e, HostDone)}
    assert (done["waited"]["stdout"], done["waited"]["finished"]) == ("done", True)
    assert (done["started"]["started"], done["started"]["finished"], done["started"]["changed"]) == (True, False, True)
    assert done["asked"]["stdout"] == "later"
    assert done["too long"]["msg"] == "async task did not complete within the requested time - 1s"
    assert done["too long"]["async_result"]["finished"] is False
    assert (done["far too long"]["msg"], done["far too long"]["finished"]) == ("Timeout exceeded", True)

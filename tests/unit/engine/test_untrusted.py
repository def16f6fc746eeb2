"""Proves that what a host said is never a template or an expression that looks things up, wherever it is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.events import HostDone
from tests.unit.engine.fakes import play, tasks

# What a plugin reads of a host, also out of `hostvars`, and has rendered.
LOOKUP = """
from ansible.plugins.lookup import LookupBase

class LookupModule(LookupBase):
    def run(self, terms, variables=None, **options):
        of_host = variables["hostvars"][variables["inventory_hostname"]]
        return [self._templar.template(value) for value in (variables["evil"], of_host["evil"], of_host.get("evil"))]
"""
SPEC = "argument_specs: {main: {options: {text: {type: str, choices: [a]}}}}"
USES = {
    "argument specs": "- include_role: {name: told}\n  vars: {text: '{{ evil }}'}",
    "arguments from a variable": "- debug: \"{{ {'msg': evil} }}\"",
    "defaults of modules": "- debug: {}\n  module_defaults: {debug: \"{{ {'msg': evil} }}\"}",
    "a condition in braces": "- debug: {}\n  when: '{{ evil }}'",
    "an expression in braces": "- debug: {}\n  when: '{{ bare }}'",
    "an expression of an item": "- debug: {}\n  loop: ['{{ bare }}']\n  when: '{{ item }}'",
    "failed_when": "- debug: {}\n  failed_when: '{{ bare }}'",
    "what is asserted": "- assert: {that: '{{ evil }}'}",
    "a list that is asserted": "- assert: {that: '{{ [bare, bare] }}'}",
    "a variable's name": "- debug: {var: '{{ bare }}'}",
    "the host of a task": "- debug: {msg: x}\n  delegate_to: '{{ evil }}'",
    "a new host's variables": "- add_host: {name: h2, said: '{{ evil }}'}\n- debug: {msg: '{{ hostvars.h2.said }}'}",
    "the password of become": "- command: echo x\n  become: true\n  vars: {ansible_become_password: '{{ evil }}'}",
    "how a host is reached": "- command: echo x\n  vars: {ansible_ssh_extra_args: '{{ evil }}', ansible_user: '{{ evil }}'}",
    "an environment": "- command: echo x\n  environment: \"{{ {'A': evil} }}\"",
    "loops": "- debug: {msg: '{{ item }}'}\n  with_nested: [['{{ evil }}'], ['{{ evil }}']]",
    "a plugin that renders": "- debug: {msg: '{{ q(\"again\") }}'}",
    "variables of variables": "- debug: {msg: '{{ b }}'}\n  vars: {a: '{{ evil }}', b: ['{{ a }}']}",
}


@pytest.mark.parametrize("use", USES)
def test_what_a_host_said_does_nothing_here(tmp_path: Path, use: str) -> None:
    witness = tmp_path / "witness"
    expression = f"lookup('pipe', 'touch {witness}') == ''"
    first = f'- command: "echo {expression}"\n  register: said\n'
    first += "- set_fact: {bare: \"{{ said.stdout }}\", evil: \"{{ '{' }}{ {{ said.stdout }} }{{ '}' }}\"}\n"
    files = {"roles/told/meta/argument_specs.yml": SPEC, "roles/told/tasks/main.yml": "[]", "lookup_plugins/again.py": LOOKUP}
    done = play(tmp_path, tasks(first + USES[use]), files=files)
    results = [event.result for event in done.events if isinstance(event, HostDone)]
    assert results[0]["stdout"] == expression
    assert results[1]["ansible_facts"]["evil"] == f"{{{{ {expression} }}}}"
    assert len(results) > 2
    assert not witness.exists()


@pytest.mark.parametrize(
    ("variables", "condition", "status"),
    [
        ({"asked": "x is defined and lookup('pipe', 'echo 1') == '1'", "x": 1}, "{{ asked }}", "ok"),  # written so by somebody
        ({"asked": "x is not defined", "x": 1}, "{{ asked }}", "skipped"),
        ({"asked": {"of": "x is defined"}, "x": 1}, "{{ asked.of }}", "ok"),
        ({"asked": ["lookup('pipe', 'echo')"]}, "{{ asked[0] }}", "failed"),
    ],
)
def test_conditions_that_are_written_in_variables(tmp_path: Path, variables: dict[str, object], condition: str, status: str) -> None:
    done = play(tmp_path, tasks(f"- debug: {{}}\n  when: '{condition}'", vars=variables))
    assert [event.status.value for event in done.events if isinstance(event, HostDone)] == [status]

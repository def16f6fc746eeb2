"""Proves that facts cannot say how a host is reached, as whom, or what the engine itself tells."""

from __future__ import annotations

import pytest

from provisioner.engine.state import HostStore, is_restricted


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ansible_connection", True),
        ("ansible_host", True),
        ("ansible_ssh_common_args", True),
        ("ansible_become_password", True),
        ("ansible_python_interpreter", True),
        ("ansible_playbook_python", True),
        ("ansible_facts", True),
        ("discovered_interpreter_python", True),
        ("ansible_ssh_host_key_rsa_public", False),
        ("ansible_local", False),
        ("ansible_hostname", False),
        ("ansible_user_id", False),
        ("ansible_podman_executable", True),
        ("ansible_chroot_exe", True),
        ("ansible_kubectl_extra_args", True),
        ("ansible_docker_gwbridge", False),
        ("ansible_local_bridge", False),
        ("ansible_python", False),
        ("own", False),
    ],
)
def test_restricted_names(name: str, expected: bool) -> None:
    assert is_restricted(name) is expected


def test_restricted_facts_are_parts_of_ansible_facts_only() -> None:
    store = HostStore("h1")
    store.add_facts({"ansible_connection": "local", "ansible_kernel": "6"})
    assert store.facts == {"connection": "local", "kernel": "6"}
    assert list(store.fact_vars) == ["ansible_kernel"]
    store.add_facts({"ansible_local": {"a": 1}})  # keeps its name in there
    assert store.facts["ansible_local"] == {"a": 1} and "local" not in store.facts
    store.set_facts({"ansible_user": "me"}, cacheable=True)  # a playbook's own word
    assert list(store.set_vars) == ["ansible_user"] and "ansible_user" not in store.fact_vars

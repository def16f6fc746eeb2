"""Proves by which words containers, pods and folders are entered, and that no secret is among them."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.engine.state import is_restricted
from provisioner.engine.targets import relevant
from provisioner.transport.programs import NAMES, entering, on_terminal
from provisioner.transport.settings import ConnectionSettings

WORDS: list[tuple[str, dict[str, Any], str]] = [
    ("docker", {}, "docker exec -i h"),
    ("docker_api", {"ansible_docker_host": "c"}, "docker exec -i c"),
    (
        "docker",
        {"ansible_user": "u", "ansible_docker_working_dir": "/w", "ansible_docker_privileged": True, "ansible_docker_extra_args": "-H tcp://d:1"},
        "docker -H tcp://d:1 exec -i --user u --workdir /w --privileged h",
    ),
    ("podman", {"ansible_podman_executable": "/opt/podman", "ansible_podman_extra_args": "--log-level debug"}, "/opt/podman --log-level debug exec -i h"),
    ("buildah", {"ansible_user": "u"}, "buildah run --user u h"),
    ("kubectl", {}, "kubectl exec -i h --"),
    (
        "kubectl",
        {
            "ansible_kubectl_pod": "p", "ansible_kubectl_namespace": "n", "ansible_kubectl_container": "c", "ansible_kubectl_kubeconfig": "/k",
            "ansible_kubectl_context": "x", "ansible_kubectl_validate_certs": False, "ansible_kubectl_extra_args": "--v=2",
        },
        "kubectl --v=2 --kubeconfig /k --context x --namespace n --insecure-skip-tls-verify=true exec -i -c c p --",
    ),
    ("oc", {"ansible_oc_pod": "p", "ansible_oc_namespace": "n"}, "oc --namespace n exec -i p --"),
    ("lxd", {"ansible_lxd_remote": "r", "ansible_lxd_project": "p"}, "lxc --project p exec r:h --mode=non-interactive --"),
    ("incus", {}, "incus exec local:h --mode=non-interactive --"),
    ("lxc", {}, "lxc-attach --clear-env --name h --"),
]  # fmt: skip


@pytest.mark.parametrize(("connection", "variables", "words"), WORDS, ids=[f"{name}-{len(variables)}" for name, variables, _ in WORDS])
def test_words(connection: str, variables: dict[str, Any], words: str) -> None:
    assert entering(connection, "h", variables) == tuple(words.split())
    assert set(relevant(variables)) == set(variables)
    assert all(map(is_restricted, variables)), "what enters a host is run here: no host's facts may say it"


def test_a_folder_is_entered_by_its_path() -> None:
    assert entering("chroot", "/srv/root", {"ansible_chroot_exe": "/usr/sbin/chroot"}) == ("/usr/sbin/chroot", "/srv/root")
    with pytest.raises(ValueError, match=r"ansible_host: the chroot connection needs the path of a folder, got 'h'"):
        entering("chroot", "h", {})


@pytest.mark.parametrize("name", ["ansible_kubectl_token", "ansible_kubectl_password", "ansible_kubectl_api_key"])
def test_secrets_go_to_no_command_line(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: put it into a kubeconfig file, and name that: ansible_kubectl_kubeconfig") as told:
        entering("kubectl", "h", {name: "s3cret"})
    assert "s3cret" not in str(told.value)


def test_settings() -> None:
    made = ConnectionSettings.from_vars("h", {"ansible_connection": "community.docker.docker", "ansible_host": "c", "ansible_user": "u"})
    assert (made.connection, made.program, made.user) == ("program", ("docker", "exec", "-i", "--user", "u", "c"), "u")
    with pytest.raises(ValueError, match=r"ansible_connection: expected ssh, local or one of buildah, chroot, docker, .*, got 'telnet'"):
        ConnectionSettings.from_vars("h", {"ansible_connection": "telnet"})
    assert "docker" in NAMES


def test_a_terminal_is_asked_for_where_there_can_be_one() -> None:
    assert on_terminal(("docker", "exec", "-i", "c")) == ["docker", "exec", "-it", "c"]

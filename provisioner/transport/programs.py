"""Hosts that are entered by a program of this computer instead of SSH: containers, pods, folders.

Each stands for the connection plugin of that name (community.docker, containers.podman, kubernetes.core, community.okd, community.general),
with the plugin's variables. What follows the words below runs inside, with its input and output passed through.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Variables = Mapping[str, Any]

_FLAGS = (
    (("ansible_kubectl_kubeconfig", "ansible_kubectl_config"), "--kubeconfig"),
    (("ansible_kubectl_context",), "--context"),
    (("ansible_kubectl_server", "ansible_kubectl_host"), "--server"),
    (("ansible_kubectl_namespace",), "--namespace"),
    (("ansible_kubectl_cert_file", "ansible_kubectl_client_cert"), "--client-certificate"),
    (("ansible_kubectl_key_file", "ansible_kubectl_client_key"), "--client-key"),
    (("ansible_kubectl_ssl_ca_cert", "ansible_kubectl_ca_cert"), "--certificate-authority"),
)
_SECRETS = ("token", "api_key", "password")


def _first(variables: Variables, *names: str) -> str:
    return next((str(variables[name]) for name in names if variables.get(name) not in (None, "")), "")


def _words(variables: Variables, name: str) -> list[str]:
    return shlex.split(_first(variables, name))


def _containers(name: str) -> Callable[[str, Variables], list[str]]:
    """docker, podman and buildah: `ansible_NAME_host`, `_extra_args`, `_executable`, `_user` (or ansible_user)."""

    def enter(host: str, variables: Variables) -> list[str]:
        user = _first(variables, "ansible_user", f"ansible_{name}_user")
        folder = _first(variables, f"ansible_{name}_working_dir")
        privileged = _first(variables, f"ansible_{name}_privileged").lower() in ("true", "yes", "1", "on")
        told = [*(["--user", user] if user else []), *(["--workdir", folder] if folder else []), *(["--privileged"] if privileged else [])]
        program = [_first(variables, f"ansible_{name}_executable") or name, *_words(variables, f"ansible_{name}_extra_args")]
        enters = ["run", *told] if name == "buildah" else ["exec", "-i", *told]
        return [*program, *enters, _first(variables, f"ansible_{name}_host") or host]

    return enter


def _pods(program: str) -> Callable[[str, Variables], list[str]]:
    """kubectl and oc. Raises ValueError for a secret: the list of processes would show it to everybody."""

    def enter(host: str, variables: Variables) -> list[str]:
        own = {name.replace("ansible_oc_", "ansible_kubectl_"): value for name, value in variables.items()}
        for secret in _SECRETS:
            if _first(own, f"ansible_kubectl_{secret}"):
                raise ValueError(f"ansible_{program}_{secret}: put it into a kubeconfig file, and name that: ansible_{program}_kubeconfig")
        words = [program, *_words(own, "ansible_kubectl_extra_args")]
        for names, flag in _FLAGS:
            value = _first(own, *names)
            words += [flag, value] if value else []
        if _first(own, "ansible_kubectl_validate_certs", "ansible_kubectl_verify_ssl").lower() in ("false", "no", "0", "off"):
            words.append("--insecure-skip-tls-verify=true")
        container = _first(own, "ansible_kubectl_container")
        return [*words, "exec", "-i", *(["-c", container] if container else []), _first(own, "ansible_kubectl_pod") or host, "--"]

    return enter


def _instances(name: str, program: str) -> Callable[[str, Variables], list[str]]:
    """LXD's lxc and incus: `ansible_NAME_host`, `_remote`, `_project`."""

    def enter(host: str, variables: Variables) -> list[str]:
        instance = _first(variables, f"ansible_{name}_host") or host
        remote, project = _first(variables, f"ansible_{name}_remote") or "local", _first(variables, f"ansible_{name}_project")
        return [program, *(["--project", project] if project else []), "exec", f"{remote}:{instance}", "--mode=non-interactive", "--"]

    return enter


def _lxc(host: str, variables: Variables) -> list[str]:
    return ["lxc-attach", "--clear-env", "--name", _first(variables, "ansible_lxc_host") or host, "--"]


def _chroot(host: str, variables: Variables) -> list[str]:
    if not Path(host).is_absolute():
        raise ValueError(f"ansible_host: the chroot connection needs the path of a folder, got {host!r}")
    return [_first(variables, "ansible_chroot_exe") or "chroot", host]


_ENTER: dict[str, Callable[[str, Variables], list[str]]] = {
    "docker": _containers("docker"),
    "docker_api": _containers("docker"),
    "podman": _containers("podman"),
    "buildah": _containers("buildah"),
    "kubectl": _pods("kubectl"),
    "oc": _pods("oc"),
    "lxd": _instances("lxd", "lxc"),
    "incus": _instances("incus", "incus"),
    "lxc": _lxc,
    "chroot": _chroot,
}
NAMES = frozenset(_ENTER)


def entering(connection: str, host: str, variables: Variables) -> tuple[str, ...]:
    """The words before a command that is to run inside `host`. Raises ValueError naming the variable."""
    return tuple(_ENTER[connection](host, variables))


def on_terminal(words: tuple[str, ...]) -> list[str]:
    """The same with a terminal inside, where the program can give one."""
    return ["-it" if word == "-i" else word for word in words]

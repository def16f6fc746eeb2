"""How a host is reached: the connection variables of Ansible, read once into a frozen, hashable struct."""

from __future__ import annotations

import getpass
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_CONNECT_TIMEOUT_S = 10.0
# Often enough that a stateful firewall keeps the connection.
DEFAULT_KEEPALIVE_S = 15


class Secret(str):
    """A text that never shows: its repr and its formatting are `***`; `reveal()` gives it to who needs it."""

    def __repr__(self) -> str:
        return "***"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def reveal(self) -> str:
        return str.__str__(self)


@dataclass(frozen=True)
class Become:
    """Whom to act as on the host (Ansible's become_user, become_method sudo or su, become_password)."""

    user: str = "root"
    method: str = "sudo"
    password: Secret | None = None


@dataclass(frozen=True)
class ConnectionSettings:
    """`name` is the host's in the inventory. `host_key_policy`: strict, or accept-new (trust on first use). `connection`: ssh or local."""

    name: str
    address: str
    port: int = 22
    user: str = "root"
    password: Secret | None = None
    private_key_files: tuple[Path, ...] = ()
    known_hosts: tuple[Path, ...] = ()
    host_key_policy: str = "strict"
    pinned_host_key: str | None = None
    gateway: ConnectionSettings | None = None
    connect_timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S
    keepalive_s: int = DEFAULT_KEEPALIVE_S
    python_interpreter: str = "auto"
    connection: str = "ssh"

    @classmethod
    def from_vars(cls, name: str, variables: Mapping[str, Any]) -> ConnectionSettings:
        """From a host's variables, rendered. Raises ValueError naming the variable."""
        options = _options(variables)
        key_file = variables.get("ansible_ssh_private_key_file") or variables.get("ansible_private_key_file") or options.get("identityfile")
        password = variables.get("ansible_password") or variables.get("ansible_ssh_pass") or variables.get("ansible_ssh_password")
        known = options.get("userknownhostsfile")
        checking = options.get("stricthostkeychecking", "").lower()
        if variables.get("ansible_host_key_checking") in (False, "false", "False", "no"):
            checking = "accept-new"
        jump = variables.get("gateway") or variables.get("ansible_gateway") or options.get("proxyjump")
        return cls(
            name=name,
            address=str(variables.get("ansible_host") or variables.get("ansible_ssh_host") or name),
            port=_number(variables.get("ansible_port") or variables.get("ansible_ssh_port") or options.get("port") or 22, "ansible_port"),
            user=str(variables.get("ansible_user") or variables.get("ansible_ssh_user") or options.get("user") or getpass.getuser()),
            password=Secret(password) if password else None,
            private_key_files=(Path(str(key_file)).expanduser(),) if key_file else (),
            known_hosts=_known_hosts(known),
            host_key_policy="accept-new" if checking in ("accept-new", "no", "off") else "strict",
            pinned_host_key=str(variables["ansible_host_key"]) if variables.get("ansible_host_key") else None,
            gateway=_gateway(name, str(jump), variables, known) if jump else None,
            connect_timeout_s=float(variables.get("ansible_timeout") or options.get("connecttimeout") or DEFAULT_CONNECT_TIMEOUT_S),
            keepalive_s=_number(options.get("serveraliveinterval") or DEFAULT_KEEPALIVE_S, "ServerAliveInterval"),
            python_interpreter=str(variables.get("ansible_python_interpreter") or "auto"),
            connection="local" if str(variables.get("ansible_connection") or "ssh") == "local" else "ssh",
        )


def _known_hosts(known: str | None) -> tuple[Path, ...]:
    return tuple(Path(path).expanduser() for path in (known or "~/.ssh/known_hosts").split())


def _number(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected a number, got {value!r}") from None


def _options(variables: Mapping[str, Any]) -> dict[str, str]:
    """The -o options (and -J, -i, -p, -l) of ansible_ssh_common_args and ansible_ssh_extra_args, by lower-case name."""
    found: dict[str, str] = {}
    for key in ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args"):
        words = shlex.split(str(variables.get(key) or ""))
        while words:
            word = words.pop(0)
            flag = {"-J": "proxyjump", "-i": "identityfile", "-p": "port", "-l": "user"}.get(word)
            if flag and words:
                found.setdefault(flag, words.pop(0))
            elif word.startswith("-o"):
                option = word[2:] or (words.pop(0) if words else "")
                name, _, value = option.partition("=") if "=" in option else option.partition(" ")
                found.setdefault(name.strip().lower(), value.strip())
    return found


def _gateway(name: str, jump: str, variables: Mapping[str, Any], known: str | None) -> ConnectionSettings:
    """[user@]host[:port], several separated by commas: the last is nearest to the host."""
    settings: ConnectionSettings | None = None
    key_file = variables.get("ansible_ssh_private_key_file") or variables.get("ansible_private_key_file")
    for hop in jump.split(","):
        user, at, rest = hop.strip().rpartition("@")
        address, colon, port = rest.partition(":")
        settings = ConnectionSettings(
            name=f"{name} (by way of {address})",
            address=address,
            port=_number(port, "gateway") if colon else 22,
            user=user if at else str(variables.get("ansible_user") or getpass.getuser()),
            private_key_files=(Path(str(key_file)).expanduser(),) if key_file else (),
            known_hosts=_known_hosts(known),
            gateway=settings,
        )
    assert settings is not None
    return settings

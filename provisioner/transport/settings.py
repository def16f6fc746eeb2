"""How a host is reached: the connection variables of Ansible, read once into a frozen, hashable struct."""

from __future__ import annotations

import dataclasses
import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.transport import programs
from provisioner.transport.errors import ConnectError
from provisioner.transport.ssh_config import SshConfigError, options_of_host
from provisioner.transport.ssh_options import expanded, hops_of, options_of, seconds_of

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
    """Whom to act as on the host (Ansible's become_user, become_method sudo or su, become_password, become_exe, become_flags).

    `exe` "": the method's own program. `flags` None: -H for sudo, none for su; how passwords are asked for is added to any. With `su` and a password the command runs on a terminal, since su reads passwords from nothing else.
    """

    user: str = "root"
    method: str = "sudo"
    password: Secret | None = None
    exe: str = ""
    flags: str | None = None


@dataclass(frozen=True)
class ConnectionSettings:
    """`name` is the host's in the inventory. `host_key_policy`: strict, or accept-new (trust on first use). `connection`: ssh, local or program.

    `pinned_host_key`: "type base64" as in known_hosts, or a fingerprint ("SHA256:..."). `python_interpreter`: a command, or auto.
    """

    name: str
    address: str
    port: int = 22
    user: str = "root"
    password: Secret | None = None
    private_key_files: tuple[Path, ...] = ()
    known_hosts: tuple[Path, ...] = ()
    host_key_policy: str = "strict"
    pinned_host_key: str | None = None
    host_key_alias: str = ""
    """The name that known_hosts has for the host (HostKeyAlias); "": its address."""
    gateway: ConnectionSettings | None = None
    is_gateway: bool = False
    identities_only: bool = False
    """Keys of an agent are not tried."""
    proxy_command: str | None = None
    """A shell command whose input and output are the connection, its tokens put in."""
    connect_timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S
    keepalive_s: int = DEFAULT_KEEPALIVE_S
    python_interpreter: str = "auto"
    connection: str = "ssh"
    folder: str | None = None
    """Where commands of a local connection start; None: where we are."""
    program: tuple[str, ...] = ()
    """The words that enter a host which is a container, a pod or a folder (`transport.programs`); `user` is "" where it decides."""

    @classmethod
    def from_vars(cls, name: str, variables: Mapping[str, Any]) -> ConnectionSettings:
        """From a host's variables, rendered, and where they are silent from OpenSSH's configuration. Raises ValueError naming the variable, and
        ConnectError for a configuration that can't be read."""

        def first(*names: str) -> Any:
            return next((variables[key] for key in names if variables.get(key) not in (None, "")), None)

        connection = _connection(first("ansible_connection"))
        alias = str(first("ansible_host", "ansible_ssh_host") or name)
        if connection in programs.NAMES:
            return cls(
                name=name,
                address=alias,
                user=str(first("ansible_user") or ""),
                python_interpreter=_interpreter(first("ansible_python_interpreter")),
                connection="program",
                program=programs.entering(connection, alias, variables),
            )
        try:
            options = options_of(alias, variables) if connection == "ssh" else {}
        except SshConfigError as error:
            hint = "mend the file, or name another with -F in ansible_ssh_common_args (-F none: none)"
            raise ConnectError(name, "reading OpenSSH's configuration", str(error), hint) from error
        key_file = first("ansible_ssh_private_key_file", "ansible_private_key_file")
        password = first("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
        timeout = first("ansible_timeout", "ansible_ssh_timeout") or options.get("connecttimeout")
        if timeout in (None, "0", "none"):
            timeout = DEFAULT_CONNECT_TIMEOUT_S
        settings = cls(
            name=name,
            address=str(options.get("hostname") or alias),
            port=_port(first("ansible_port", "ansible_ssh_port") or options.get("port") or 22),
            user=str(first("ansible_user", "ansible_ssh_user") or options.get("user") or getpass.getuser()),
            password=Secret(password) if password is not None else None,
            private_key_files=_keys(str(key_file) if key_file else options.get("identityfile")),
            identities_only=str(options.get("identitiesonly")).lower() == "yes",
            known_hosts=_known_hosts(options.get("userknownhostsfile")),
            host_key_policy=_policy(variables, options),
            pinned_host_key=str(first("ansible_host_key")) if first("ansible_host_key") else None,
            host_key_alias=str(options.get("hostkeyalias") or ""),
            connect_timeout_s=seconds_of(timeout, "ansible_timeout"),
            keepalive_s=int(seconds_of(options.get("serveraliveinterval") or DEFAULT_KEEPALIVE_S, "ServerAliveInterval")),
            python_interpreter=_interpreter(first("ansible_python_interpreter")),
            connection=connection,
        )
        if settings.connection == "local":
            settings = dataclasses.replace(settings, folder=first("playbook_dir"))
        jump = first("gateway", "ansible_gateway") or options.get("proxyjump") or "none"
        if jump != "none":
            return dataclasses.replace(settings, gateway=_gateway(settings, str(jump)))
        command = options.get("proxycommand") or "none"
        if command == "none":
            return settings
        command = expanded(command, alias=alias, address=settings.address, port=settings.port, user=settings.user)
        return dataclasses.replace(settings, proxy_command=command)


def _known_hosts(known: str | None = None) -> tuple[Path, ...]:
    return tuple(Path(path).expanduser() for path in (known or "~/.ssh/known_hosts").split())


def _keys(found: str | list[str] | None) -> tuple[Path, ...]:
    """Of those in OpenSSH's configuration the ones that are there, as with ssh; one that a variable names must be."""
    if isinstance(found, list):
        return tuple(path for name in dict.fromkeys(found) if (path := Path(name).expanduser()).is_file())
    return (Path(str(found)).expanduser(),) if found else ()


def _policy(variables: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """An unknown key is taken only where the inventory says so; a changed one never is."""
    for key in ("ansible_ssh_host_key_checking", "ansible_host_key_checking"):
        if str(variables.get(key, "")).lower() in ("false", "no", "0", "off"):
            return "accept-new"
    return "accept-new" if options.get("stricthostkeychecking", "").lower() in ("accept-new", "no", "off") else "strict"


def _port(value: Any) -> int:
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise ValueError(f"ansible_port: expected a port number, got {value!r}")
    return port


def _interpreter(value: Any) -> str:
    """Ansible's ways to say "find one" are all the same here."""
    text = str(value or "auto").strip()
    return "auto" if text in ("auto", "auto_silent", "auto_legacy", "auto_legacy_silent") else text


def _connection(value: Any) -> str:
    text = str(value or "ssh").rpartition(".")[2]
    if text == "local":
        return "local"
    if text in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        return "ssh"
    if text in programs.NAMES:
        return text
    raise ValueError(f"ansible_connection: expected ssh, local or one of {', '.join(sorted(programs.NAMES))}, got {value!r}")


def _gateway(settings: ConnectionSettings, jump: str) -> ConnectionSettings | None:
    """The hops before a host, the nearest outermost. They get the host's keys, but never its password. A hop may also be one that only the
    user's own keys and known hosts are for: what the host has may be a lab's."""
    known = tuple(dict.fromkeys((*settings.known_hosts, *_known_hosts())))
    gateway: ConnectionSettings | None = None
    for hop in hops_of(jump):
        options = options_of_host(hop.address)
        gateway = ConnectionSettings(
            name=f"{settings.name} (by way of {hop.address})",
            address=str(options.get("hostname") or hop.address),
            port=hop.port or _port(options.get("port") or 22),
            user=hop.user or str(options.get("user") or settings.user),
            private_key_files=tuple(dict.fromkeys((*settings.private_key_files, *_keys(options.get("identityfile"))))),
            known_hosts=known,
            host_key_policy=settings.host_key_policy,
            host_key_alias=str(options.get("hostkeyalias") or ""),
            gateway=gateway,
            is_gateway=True,
            connect_timeout_s=settings.connect_timeout_s,
            keepalive_s=settings.keepalive_s,
        )
    return gateway
